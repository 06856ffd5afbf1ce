"""What the candidates can do: their metrics with intervals, what they confuse, and what they rely on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from components.learning.evaluation import MACRO, METRIC_TITLES
from components.reporting.figures import (
    CLASSES,
    INK,
    MUTED,
    SOURCES,
    bare,
    fitted,
    heading,
    legend,
    panels,
    signed_bars,
    styled,
)
from contract.decision import LOWER_IS_BETTER, PAIR

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from components.learning.evaluation import CandidateEvaluation, Confusion, Estimate, Importance

MOST_IMPORTANT = 25

MOST_CONFUSED = 8
"""Of more classes there is room for one matrix, not for one of each candidate."""

_MOST_COUNTED = 20  # classes whose cells have room for a number


@dataclass(frozen=True)
class Origin:
    """Estimates that come from the same place: one mapping from metric to estimate for each row of the figure."""

    label: str
    estimates: Sequence[Mapping[str, Estimate]]


@styled
def intervals(
    rows: Sequence[str],
    sources: Sequence[Origin],
    metrics: Sequence[str],
    emphasised: int | None = None,
    averaged: Collection[str] = (),
) -> Figure:
    """A panel for each metric, a line for each row: dots with their 95 % intervals, the first source filled.

    `averaged` are the metrics that are an average over the classes: of them, higher is better.
    """
    step = 0.2 + 0.14 * len(sources)
    left = min(0.3 + 0.07 * max(len(row) for row in rows), 3.1)
    shown = [fitted(row, left - 0.1) for row in rows]
    top = 0.75 if len(sources) > 1 else 0.4
    columns = 5 if len(metrics) == 5 else 4  # noqa: PLR2004 (one more than a row has would stand alone)
    figure, grid = panels(len(metrics), columns, step * len(rows), margins=(left, 0.15, top, 0.35), gap=(0.25, 0.8))
    for position, (axes, metric) in enumerate(zip(grid, metrics, strict=True)):
        better = "lower is better" if metric in LOWER_IS_BETTER else "higher is better"
        heading(axes, METRIC_TITLES.get(metric, metric), MACRO if metric in averaged else better)
        for index, source in enumerate(sources):
            offset = (index - (len(sources) - 1) / 2) * 0.3
            for row, estimates in enumerate(source.estimates):
                if metric not in estimates:
                    continue
                item = estimates[metric]
                axes.plot([item.low, item.high], [row + offset] * 2, color=SOURCES[index], linewidth=1.6, alpha=0.65)
                fill = "white" if index else SOURCES[index]
                axes.plot(item.value, row + offset, "o", color=SOURCES[index], markerfacecolor=fill, markersize=4.5)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks(range(len(rows)), shown if position % columns == 0 else [""] * len(rows), color=INK)
        if emphasised is not None:
            axes.axhspan(emphasised - 0.5, emphasised + 0.5, color=SOURCES[0], alpha=0.07, linewidth=0)
        axes.locator_params(axis="x", nbins=4)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
    if len(sources) > 1:
        legend(
            figure,
            [
                Line2D([], [], color=colour, marker="o", markersize=4.5, markerfacecolor=fill, label=source.label)
                for source, colour, fill in zip(sources, SOURCES, (SOURCES[0], "white"), strict=True)
            ],
        )
    return figure


@styled
def confusion_matrices(candidates: Sequence[CandidateEvaluation], labels: Sequence[str]) -> Figure:
    """Held-out rows by true and predicted class; shares are of the true class.

    Between two classes at each candidate's threshold; of more, the most probable is predicted.
    """
    count = len(labels)
    columns = 4 if count <= 2 * PAIR else 2 if count <= MOST_CONFUSED else 1
    height = 1.75 if columns > PAIR else 3.6 if columns == PAIR else 0.36 * count
    margins, gap = ((0.5, 0.1, 0.55, 0.5), (0.4, 1.15)) if count == PAIR else ((1.15, 0.1, 0.55, 1.15), (0.4, 1.75))
    figure, grid = panels(len(candidates), columns, height, margins=margins, gap=gap)
    short = [fitted(label, 0.9) for label in labels]
    for index, (axes, candidate) in enumerate(zip(grid, candidates, strict=True)):
        heading(axes, candidate.title, _answered(candidate))
        _cells(axes, candidate.held_out.confusion)
        bare(axes)
        middles = np.arange(count) + 0.5
        axes.set_xlabel("predicted")
        turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if count > PAIR else {}
        axes.set_xticks(middles, short, color=INK, **turned)
        if index % columns:
            continue
        axes.set_ylabel("true")
        upright: dict[str, Any] = {"rotation": 90, "va": "baseline", "ha": "center", "rotation_mode": "anchor"}
        axes.set_yticks(middles, short, color=INK, **(upright if count == PAIR else {}))
    return figure


def _answered(candidate: CandidateEvaluation) -> str:
    if candidate.threshold is not None:
        return f"threshold {candidate.threshold:.3f}"
    counts = candidate.held_out.confusion.counts
    right = sum(row[index] for index, row in enumerate(counts))
    return f"{right:,} of {candidate.held_out.rows:,} right"


def _cells(axes: Axes, confusion: Confusion) -> None:
    counts = np.array(confusion.counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size, small = {2: (12, 8.8), 3: (10.5, 8), 4: (9, 7)}.get(len(counts), (8, 6.4))
    place: dict[str, Any] = {"ha": "center", "va": "center"}
    for row, column in np.ndindex(counts.shape):
        shade = _tint(CLASSES[0] if row == column else CLASSES[1], 0.1 + 0.6 * shares[row, column])
        axes.fill([column, column + 1, column + 1, column], [row, row, row + 1, row + 1], color=shade)
        if len(counts) <= _MOST_COUNTED:
            number = f"{counts[row, column]:,}"
            axes.text(column + 0.5, row + 0.42, number, fontsize=size, fontweight="bold", **place)
            axes.text(column + 0.5, row + 0.72, f"{100 * shares[row, column]:.0f} %", fontsize=small, **place)
    for line in range(1, len(counts)):
        axes.axhline(line, color="white", linewidth=2)
        axes.axvline(line, color="white", linewidth=2)
    axes.set_xlim(0, len(counts))
    axes.set_ylim(len(counts), 0)


def _tint(colour: str, strength: float) -> tuple[float, float, float]:
    red, green, blue = (1 - (1 - channel) * strength for channel in to_rgb(colour))
    return red, green, blue


@styled
def importances(items: Sequence[Importance], average: str = "") -> Figure:
    """How much each column matters to a model, strongest first; of many, the strongest 25. All items of one kind.

    `average` is what kind of average over the classes the ROC-AUC is, if it is one.
    """
    ranked = sorted(items, key=lambda item: -abs(item.value))[:MOST_IMPORTANT]
    is_weight = items[0].kind == "coefficient"
    lost = f"ROC-AUC ({average})" if average else "ROC-AUC"
    label = "weight, in log-odds by standard deviation" if is_weight else f"loss of {lost} when shuffled"
    colours = CLASSES if is_weight else (MUTED, MUTED)
    return signed_bars([item.name for item in ranked], [item.value for item in ranked], label, colours)
