"""What the table looks like before anything is trained: classes, gaps, distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.cbook import boxplot_stats

from components.reporting.figures import (
    INK,
    LINE,
    MUTED,
    bare,
    class_colours,
    class_legend,
    fitted,
    heading,
    panels,
    styled,
)
from components.reporting.wording import MOST_CATEGORIES
from contract.decision import PAIR
from contract.features import CategoricalFeature, IntegerFeature, NumericFeature

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.figure import Figure

    from components.reporting.summary import TableSummary
    from contract.features import Feature

MOST_GAPS = 40
"""Of more features with missing values, those with the most."""

_MOST_BINS = 40
_MOST_OUTLIERS = 60
_MOST_NAMED = 40  # classes with a bar each


@styled
def class_balance(summary: TableSummary) -> Figure:
    """One bar by class: rows, and their share of the table. Of more than forty classes, the most frequent."""
    shown = np.sort(np.argsort(-np.array(summary.class_counts), kind="stable")[:_MOST_NAMED]).tolist()
    figure, (axes,) = panels(1, 1, 0.45 * len(shown), margins=(1.6, 1.6, 0.1, 0.1))
    counts = [summary.class_counts[index] for index in shown]
    every = summary.classes_drawn == tuple(range(len(summary.class_counts)))
    axes.barh(range(len(shown)), counts, color=class_colours(len(shown)) if every else MUTED, height=0.62)
    for row, count in enumerate(counts):
        text = f"{count:,} rows · {100 * count / summary.rows:.1f} %"
        axes.annotate(text, (count, row), (6, 0), textcoords="offset points", va="center")
    bare(axes)
    labels = summary.contract.target.labels
    axes.set_yticks(range(len(shown)), [fitted(labels[index], 1.5) for index in shown], color=INK)
    if len(shown) > PAIR:
        axes.set_ylim(-0.5, len(shown) - 0.5)
    axes.invert_yaxis()
    return figure


@styled
def missing_values(summary: TableSummary) -> Figure:
    """One bar for each feature that has gaps: how many of its cells are missing, in how large a share of the rows."""
    gaps = sorted(((count, name) for name, count in summary.missing.items() if count), key=lambda gap: -gap[0])
    gaps = gaps[:MOST_GAPS]
    figure, (axes,) = panels(1, 1, 0.32 * len(gaps) + 0.05, margins=(1.6, 1.9, 0.05, 0.05))
    axes.barh(range(len(gaps)), [count for count, _ in gaps], color=MUTED, height=0.6)
    for row, (count, _) in enumerate(gaps):
        text = f"{count:,} {'cell' if count == 1 else 'cells'} · {100 * count / summary.rows:.1f} % of rows"
        axes.annotate(text, (count, row), (6, 0), textcoords="offset points", va="center")
    bare(axes)
    axes.set_yticks(range(len(gaps)), [fitted(name, 1.5) for _, name in gaps], color=INK)
    axes.set_ylim(len(gaps) - 0.5, -0.5)
    return figure


@styled
def histograms(summary: TableSummary) -> Figure:
    """Each numeric feature by class, in shares of the class, so that a rare class is as visible as a common one."""
    figure, grid = panels(len(summary.measured_drawn), 3, 1.5, margins=(0.5, 0.1, 0.85, 0.45), gap=(0.55, 1.0))
    classes = _coloured(summary)
    opacity = 0.35 if len(classes) == PAIR else 0.2
    for axes, feature in zip(grid, summary.measured_drawn, strict=True):
        heading(axes, feature.name, feature.description)
        edges = _edges(feature, summary)
        for index, colour in classes:
            values = summary.present(feature.name, index)
            shares = np.histogram(values, edges)[0] / max(len(values), 1) * 100
            axes.stairs(shares, edges, fill=True, color=colour, alpha=opacity)
            axes.stairs(shares, edges, color=colour, linewidth=1.4)
        axes.set_xlabel(feature.unit or "")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:g} %")
        axes.grid(visible=False, axis="x")
    class_legend(figure, _labels(summary))
    return figure


def _edges(feature: NumericFeature | IntegerFeature, summary: TableSummary) -> npt.NDArray[np.float64]:
    """Edges by Freedman and Diaconis; those of whole numbers lie halfway between them, so no bin holds more of them."""
    values = summary.values[feature.name].dropna().to_numpy()
    if not len(values):
        return np.array([feature.range.min, feature.range.max])
    low, high = float(values.min()), float(values.max())
    bins = min(max(len(np.histogram_bin_edges(values, "fd")) - 1, 8), _MOST_BINS) if high > low else 1
    if isinstance(feature, IntegerFeature):
        step = max(int(np.ceil((high - low + 1) / bins)), 1)
        return np.arange(low - 0.5, high + 0.5 + step, step)
    return np.linspace(low, high, bins + 1) if high > low else np.array([low - 0.5, low + 0.5])


@styled
def category_bars(summary: TableSummary) -> Figure:
    """Each boolean and categorical feature by class: rows, and their share of the class; missing is shown as such."""
    columns = 3
    classes = _coloured(summary)
    name_height, bar_height = 0.2576, 0.1344  # inches
    height = name_height + bar_height * len(classes) + 0.0336
    content = [_categories(feature, summary) for feature in summary.counted_drawn]
    longest = [max(len(item) for item in content[start : start + columns]) for start in range(0, len(content), columns)]
    heights = [height * most for most in longest]
    figure, grid = panels(len(content), columns, heights, margins=(0.05, 0.1, 0.8, 0.1), gap=(0.35, 0.75))
    totals = summary.class_counts
    for position, (axes, feature, categories) in enumerate(zip(grid, summary.counted_drawn, content, strict=True)):
        heading(axes, feature.name, _with_unit(feature))
        axes.plot([0, 0], [0, len(categories)], color=LINE, linewidth=1)
        for row, (label, counts) in enumerate(categories):
            name = fitted(label, 2.9)
            axes.annotate(name, (0, row), (2, -1), textcoords="offset points", va="top", fontsize=8.8)
            for line, (index, colour) in enumerate(classes):
                count = counts[index]
                share = count / max(totals[index], 1)
                middle = row + (name_height + bar_height * line) / height
                axes.barh(middle, share, height=0.1232 / height, color=colour)
                text = f"{count:,} · {100 * share:.0f} %"
                axes.annotate(
                    text, (share, middle), (4, 0), textcoords="offset points", va="center", fontsize=8.2, color=MUTED
                )
        bare(axes)
        axes.set_xlim(0, 1.32)
        axes.set_ylim(longest[position // columns], -0.12)
    class_legend(figure, _labels(summary))
    return figure


def _coloured(summary: TableSummary) -> list[tuple[int, str]]:
    """The classes that are drawn, each with its colour."""
    shown = summary.classes_drawn
    return list(zip(shown, class_colours(len(shown)), strict=True))


def _labels(summary: TableSummary) -> list[str]:
    return [summary.contract.target.labels[index] for index in summary.classes_drawn]


def _with_unit(feature: Feature) -> str:
    return f"{feature.description}, {feature.unit}" if feature.unit else feature.description


def _categories(feature: Feature, summary: TableSummary) -> list[tuple[str, list[int]]]:
    """Labels with their rows by class, in the contract's order; the rarest of many are added up."""
    labels = [item.label for item in feature.categories] if isinstance(feature, CategoricalFeature) else ["no", "yes"]
    counts = summary.categories[feature.name]
    shown = list(range(len(labels)))
    if len(labels) > MOST_CATEGORIES:
        shown = sorted(np.argsort(-counts.sum(axis=1), kind="stable")[: MOST_CATEGORIES - 1].tolist())
    rows = [(labels[index], counts[index].tolist()) for index in shown]
    others = np.setdiff1d(np.arange(len(labels)), shown)
    if len(others):
        rows.append((f"{len(others):,} other categories", counts[others].sum(axis=0).tolist()))
    missing = np.array(summary.class_counts) - counts.sum(axis=0)
    return [*rows, ("missing", missing.tolist())] if missing.any() else rows


@styled
def box_plots(summary: TableSummary) -> Figure:
    """Each numeric feature by class: quartiles, whiskers to the last value within 1.5 boxes, then single values."""
    classes = _coloured(summary)
    height = 0.4 * len(classes)
    figure, grid = panels(len(summary.measured_drawn), 3, height, margins=(0.1, 0.1, 0.85, 0.45), gap=(0.35, 1.0))
    for axes, feature in zip(grid, summary.measured_drawn, strict=True):
        heading(axes, feature.name, feature.description)
        for place, (index, colour) in enumerate(classes):
            values = summary.present(feature.name, index)
            if not len(values):
                continue
            (box,) = boxplot_stats(values)
            outliers = np.unique(box["fliers"])
            box["fliers"] = outliers[np.linspace(0, len(outliers) - 1, min(len(outliers), _MOST_OUTLIERS)).astype(int)]
            axes.bxp(
                [box],
                positions=[place],
                widths=0.55,
                orientation="horizontal",
                patch_artist=True,
                boxprops={"facecolor": f"{colour}59", "edgecolor": colour},
                medianprops={"color": INK, "linewidth": 1.6},
                whiskerprops={"color": colour},
                capprops={"color": colour},
                flierprops={"marker": "o", "markersize": 3, "markerfacecolor": "none", "markeredgecolor": colour},
            )
        axes.set_ylim(len(classes) - 0.5, -0.5)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(feature.unit or "")
    class_legend(figure, _labels(summary))
    return figure
