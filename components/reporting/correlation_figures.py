"""Which columns move together, and which with the class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from components.reporting.figures import (
    CLASSES,
    INK,
    LINE,
    MUTED,
    WIDTH,
    class_colours,
    class_legend,
    fitted,
    panels,
    signed,
    signed_bars,
    styled,
)

if TYPE_CHECKING:
    from components.reporting.summary import TableSummary

MOST_CORRELATED = 30
"""Of more features, the most strongly correlated with the class."""

_MOST_WRITTEN = 16
_DIVERGING = LinearSegmentedColormap.from_list("diverging", [CLASSES[0], "#ffffff", CLASSES[1]])


@styled
def correlation_heatmap(summary: TableSummary) -> Figure:
    """Pearson's r of each pair, below the diagonal; below the features a row for the positive class, or for each class.

    Of many features, the strongest 30.
    """
    strongest = {name for name, _ in summary.ranking[:MOST_CORRELATED]}
    names = [str(name) for name in summary.correlations.index if name in strongest]
    among = summary.correlations.iloc[:, : len(summary.correlations)].loc[names, names].to_numpy()
    by_class = summary.with_classes.loc[names].T
    count, classes = len(names), len(by_class)
    matrix = np.vstack([among[1:], by_class.to_numpy()])
    above = np.triu(np.ones((count - 1, count), dtype=bool), k=1)
    lower = np.ma.masked_array(matrix, np.vstack([above, np.zeros((classes, count), dtype=bool)]))
    cell = min(0.5, 7.6 / count)
    wide, side = cell * count, cell * len(matrix)
    height = side + 0.95
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((1.7 / WIDTH, 0.9 / height, wide / WIDTH, side / height))
    mesh = axes.pcolormesh(lower, cmap=_DIVERGING, vmin=-1, vmax=1, edgecolors="white", linewidth=1.5)
    if count <= _MOST_WRITTEN:
        for row, column in zip(*np.nonzero(~np.ma.getmaskarray(lower)), strict=True):
            r = lower[row, column]
            axes.text(column + 0.5, row + 0.5, signed(r, 2), ha="center", va="center", fontsize=8)
    axes.set_xticks(
        np.arange(count) + 0.5,
        [fitted(name, 1.5) for name in names],
        rotation=45,
        ha="right",
        rotation_mode="anchor",
        color=INK,
    )
    labels = [*names[1:], *map(str, by_class.index)]
    axes.set_yticks(np.arange(len(labels)) + 0.5, [fitted(label, 1.5) for label in labels], color=INK)
    for label in axes.get_yticklabels()[-classes:]:
        label.set_fontweight("bold")
    axes.invert_yaxis()
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    scale = figure.add_axes(((1.7 + wide * 0.62) / WIDTH, 1 - 0.35 / height, wide * 0.34 / WIDTH, 0.12 / height))
    bar = figure.colorbar(mesh, cax=scale, orientation="horizontal", ticks=[-1, 0, 1], label="Pearson's r")
    bar.outline.set_visible(False)
    return figure


@styled
def correlation_ranking(summary: TableSummary) -> Figure:
    """Each feature's r with the positive class, or a dot for each class; strongest first whatever the sign."""
    ranking = summary.ranking[:MOST_CORRELATED]
    target = summary.contract.target
    if target.is_binary:
        label = f"Pearson's r with {fitted(str(target.positive), 4)}"
        return signed_bars([name for name, _ in ranking], [r for _, r in ranking], label)
    by_class = summary.with_classes
    left = min(0.4 + 0.08 * max(len(name) for name, _ in ranking), 3.2)
    figure, (axes,) = panels(1, 1, 0.28 * len(ranking) + 0.05, margins=(left, 2.3, 0.45, 0.45))
    shown = [target.labels[index] for index in summary.classes_drawn]
    colours = dict(zip(shown, class_colours(len(shown)), strict=True))
    for row, (name, strongest) in enumerate(ranking):
        values = by_class.loc[name].dropna()
        axes.plot([values.min(), values.max()], [row, row], color=LINE, linewidth=1.4, zorder=1)
        axes.scatter(values, [row] * len(values), s=34, color=[colours[str(label)] for label in values.index], zorder=2)
        text = f"{signed(strongest)} {values.abs().idxmax()}"
        place: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "va": "center"}
        axes.annotate(fitted(text, 2.2), (1, row), (8, 0), fontsize=8.8, **place)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_xlim(-1.03, 1.03)
    axes.set_yticks(range(len(ranking)), [fitted(name, left - 0.15) for name, _ in ranking], color=INK)
    axes.set_ylim(len(ranking) - 0.5, -0.5)
    axes.set_xlabel("Pearson's r with each class against the rest")
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    class_legend(figure, shown)
    return figure
