"""What the table looks like before anything is trained: classes, gaps, distributions, correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.cbook import boxplot_stats
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from components.reporting.figures import (
    CLASSES,
    INK,
    LINE,
    MUTED,
    WIDTH,
    bare,
    class_legend,
    fitted,
    heading,
    panels,
    signed,
    signed_bars,
    styled,
)
from contract.features import CategoricalFeature, IntegerFeature, NumericFeature

if TYPE_CHECKING:
    import numpy.typing as npt

    from components.reporting.summary import TableSummary
    from contract.features import Feature

MOST_CATEGORIES = 12
MOST_CORRELATED = 30
_MOST_WRITTEN = 16
_MOST_BINS = 40
_MOST_OUTLIERS = 60
_DIVERGING = LinearSegmentedColormap.from_list("diverging", [CLASSES[0], "#ffffff", CLASSES[1]])


@styled
def class_balance(summary: TableSummary) -> Figure:
    """One bar by class: rows, and their share of the table."""
    figure, (axes,) = panels(1, 1, 0.9, margins=(1.6, 1.6, 0.1, 0.1))
    counts = summary.class_counts
    axes.barh([0, 1], counts, color=CLASSES, height=0.62)
    for row, count in enumerate(counts):
        text = f"{count:,} rows · {100 * count / summary.rows:.1f} %"
        axes.annotate(text, (count, row), (6, 0), textcoords="offset points", va="center")
    bare(axes)
    axes.set_yticks([0, 1], [fitted(label, 1.5) for label in summary.contract.target.labels], color=INK)
    axes.invert_yaxis()
    return figure


@styled
def missing_values(summary: TableSummary) -> Figure:
    """One bar for each feature that has gaps: how many of its cells are missing, in how large a share of the rows."""
    gaps = sorted(((count, name) for name, count in summary.missing.items() if count), key=lambda gap: -gap[0])
    figure, (axes,) = panels(1, 1, 0.32 * len(gaps) + 0.05, margins=(1.6, 1.9, 0.05, 0.05))
    axes.barh(range(len(gaps)), [count for count, _ in gaps], color=MUTED, height=0.6)
    for row, (count, _) in enumerate(gaps):
        text = f"{count:,} {'cell' if count == 1 else 'cells'} · {100 * count / summary.rows:.1f} % of rows"
        axes.annotate(text, (count, row), (6, 0), textcoords="offset points", va="center")
    bare(axes)
    axes.set_yticks(range(len(gaps)), [name for _, name in gaps], color=INK)
    axes.set_ylim(len(gaps) - 0.5, -0.5)
    return figure


@styled
def histograms(summary: TableSummary) -> Figure:
    """Each numeric feature by class, in shares of the class, so that a rare class is as visible as a common one."""
    figure, grid = panels(len(summary.measured), 3, 1.5, margins=(0.5, 0.1, 0.85, 0.45), gap=(0.55, 1.0))
    for axes, feature in zip(grid, summary.measured, strict=True):
        heading(axes, feature.name, feature.description)
        edges = _edges(feature, summary)
        for index, colour in enumerate(CLASSES):
            values = summary.present(feature.name, index)
            shares = np.histogram(values, edges)[0] / max(len(values), 1) * 100
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.35)
            axes.stairs(shares, edges, color=colour, linewidth=1.4)
        axes.set_xlabel(feature.unit or "")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:g} %")
        axes.grid(visible=False, axis="x")
    class_legend(figure, summary.contract.target.labels)
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
    content = [_categories(feature, summary) for feature in summary.counted]
    longest = [max(len(item) for item in content[start : start + columns]) for start in range(0, len(content), columns)]
    heights = [0.56 * most for most in longest]
    figure, grid = panels(len(content), columns, heights, margins=(0.05, 0.1, 0.8, 0.1), gap=(0.35, 0.75))
    totals = summary.class_counts
    for position, (axes, feature, categories) in enumerate(zip(grid, summary.counted, content, strict=True)):
        heading(axes, feature.name, _with_unit(feature))
        axes.plot([0, 0], [0, len(categories)], color=LINE, linewidth=1)
        for row, (label, counts) in enumerate(categories):
            name = fitted(label, 2.9)
            axes.annotate(name, (0, row), (2, -1), textcoords="offset points", va="top", fontsize=8.8)
            for index, (count, colour) in enumerate(zip(counts, CLASSES, strict=True)):
                share = count / max(totals[index], 1)
                middle = row + 0.46 + 0.24 * index
                axes.barh(middle, share, height=0.22, color=colour)
                text = f"{count:,} · {100 * share:.0f} %"
                axes.annotate(
                    text, (share, middle), (4, 0), textcoords="offset points", va="center", fontsize=8.2, color=MUTED
                )
        bare(axes)
        axes.set_xlim(0, 1.32)
        axes.set_ylim(longest[position // columns], -0.12)
    class_legend(figure, summary.contract.target.labels)
    return figure


def _with_unit(feature: Feature) -> str:
    return f"{feature.description}, {feature.unit}" if feature.unit else feature.description


def _categories(feature: Feature, summary: TableSummary) -> list[tuple[str, tuple[int, int]]]:
    """Labels with their rows by class, in the contract's order; the rarest of many are added up."""
    labels = [item.label for item in feature.categories] if isinstance(feature, CategoricalFeature) else ["no", "yes"]
    present = [summary.present(feature.name, index).astype(np.int64) for index in (0, 1)]
    counts = np.array([np.bincount(values, minlength=len(labels)) for values in present])
    shown = list(range(len(labels)))
    if len(labels) > MOST_CATEGORIES:
        shown = sorted(np.argsort(-counts.sum(axis=0), kind="stable")[: MOST_CATEGORIES - 1].tolist())
    rows = [(labels[index], (int(counts[0, index]), int(counts[1, index]))) for index in shown]
    others = [index for index in range(len(labels)) if index not in shown]
    if others:
        rows.append((f"{len(others)} other categories", (int(counts[0, others].sum()), int(counts[1, others].sum()))))
    missing = [total - len(values) for total, values in zip(summary.class_counts, present, strict=True)]
    return [*rows, ("missing", (missing[0], missing[1]))] if any(missing) else rows


@styled
def box_plots(summary: TableSummary) -> Figure:
    """Each numeric feature by class: quartiles, whiskers to the last value within 1.5 boxes, then single values."""
    figure, grid = panels(len(summary.measured), 3, 0.8, margins=(0.1, 0.1, 0.85, 0.45), gap=(0.35, 1.0))
    for axes, feature in zip(grid, summary.measured, strict=True):
        heading(axes, feature.name, feature.description)
        for index, colour in enumerate(CLASSES):
            values = summary.present(feature.name, index)
            if not len(values):
                continue
            (box,) = boxplot_stats(values)
            outliers = np.unique(box["fliers"])
            box["fliers"] = outliers[np.linspace(0, len(outliers) - 1, min(len(outliers), _MOST_OUTLIERS)).astype(int)]
            axes.bxp(
                [box],
                positions=[index],
                widths=0.55,
                orientation="horizontal",
                patch_artist=True,
                boxprops={"facecolor": f"{colour}59", "edgecolor": colour},
                medianprops={"color": INK, "linewidth": 1.6},
                whiskerprops={"color": colour},
                capprops={"color": colour},
                flierprops={"marker": "o", "markersize": 3, "markerfacecolor": "none", "markeredgecolor": colour},
            )
        axes.set_ylim(1.5, -0.5)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(feature.unit or "")
    class_legend(figure, summary.contract.target.labels)
    return figure


@styled
def correlation_heatmap(summary: TableSummary) -> Figure:
    """Pearson's r of each pair, below the diagonal; the target is the last row. Of many features, the strongest 30."""
    target = summary.contract.target
    strongest = {name for name, _ in summary.ranking[:MOST_CORRELATED]}
    names = [name for name in summary.correlations.columns if name in strongest] + [target.column]
    matrix = summary.correlations.loc[names, names].to_numpy()
    count = len(names) - 1
    side = min(0.5 * count, 7.6)
    height = side + 0.95
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((1.7 / WIDTH, 0.9 / height, side / WIDTH, side / height))
    lower = np.ma.masked_array(matrix[1:, :-1], np.triu(np.ones((count, count), dtype=bool), k=1))
    mesh = axes.pcolormesh(lower, cmap=_DIVERGING, vmin=-1, vmax=1, edgecolors="white", linewidth=1.5)
    if count <= _MOST_WRITTEN:
        for row, column in zip(*np.tril_indices(count), strict=True):
            r = lower[row, column]
            axes.text(column + 0.5, row + 0.5, signed(r, 2), ha="center", va="center", fontsize=8)
    labels = [*names[:-1], fitted(target.positive, 1.5)]
    middle = np.arange(count) + 0.5
    axes.set_xticks(middle, labels[:-1], rotation=45, ha="right", rotation_mode="anchor", color=INK)
    axes.set_yticks(middle, labels[1:], color=INK)
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.invert_yaxis()
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    scale = figure.add_axes(((1.7 + side * 0.62) / WIDTH, 1 - 0.35 / height, side * 0.34 / WIDTH, 0.12 / height))
    bar = figure.colorbar(mesh, cax=scale, orientation="horizontal", ticks=[-1, 0, 1], label="Pearson's r")
    bar.outline.set_visible(False)
    return figure


@styled
def correlation_ranking(summary: TableSummary) -> Figure:
    """Each feature's r with the positive class, strongest first whatever the sign."""
    ranking = summary.ranking[:MOST_CORRELATED]
    label = f"Pearson's r with {fitted(summary.contract.target.positive, 4)}"
    return signed_bars([name for name, _ in ranking], [r for _, r in ranking], label)
