"""What the candidates can do: their metrics with intervals, curves, calibration, confusion and what they rely on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

from components.learning.evaluation import METRIC_TITLES
from components.reporting.figures import (
    CLASSES,
    INK,
    LINE,
    MINUS,
    MUTED,
    SERIES,
    SOURCES,
    bare,
    fitted,
    heading,
    legend,
    panels,
    signed_bars,
    styled,
)
from contract.decision import LOWER_IS_BETTER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from components.learning.evaluation import CandidateEvaluation, Estimate, Importance, Sample

    Floats = npt.NDArray[np.float64]

MOST_IMPORTANT = 25
_BINS = 10
_LONGEST_COUNT = 1000  # from here on, a number is wider than its bar
_MOST_POINTS = 500
_STYLES = ("-", "--", ":")


@dataclass(frozen=True)
class Origin:
    """Estimates that come from the same place: one mapping from metric to estimate for each row of the figure."""

    label: str
    estimates: Sequence[Mapping[str, Estimate]]


@styled
def intervals(
    rows: Sequence[str], sources: Sequence[Origin], metrics: Sequence[str], emphasised: int | None = None
) -> Figure:
    """A panel for each metric, a line for each row: dots with their 95 % intervals, the first source filled."""
    step = 0.2 + 0.14 * len(sources)
    left = min(0.3 + 0.07 * max(len(row) for row in rows), 3.1)
    shown = [fitted(row, left - 0.1) for row in rows]
    top = 0.75 if len(sources) > 1 else 0.4
    figure, grid = panels(len(metrics), 4, step * len(rows), margins=(left, 0.15, top, 0.35), gap=(0.25, 0.8))
    for position, (axes, metric) in enumerate(zip(grid, metrics, strict=True)):
        better = "lower is better" if metric in LOWER_IS_BETTER else "higher is better"
        heading(axes, METRIC_TITLES.get(metric, metric), better)
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
        axes.set_yticks(range(len(rows)), shown if position % 4 == 0 else [""] * len(rows), color=INK)
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
def curves(candidates: Sequence[CandidateEvaluation], winner: str | None) -> Figure:
    """ROC and precision-recall on the held-out rows; a dot marks each candidate's own threshold."""
    side = 4.25
    legend_rows = -(-len(candidates) // 2)
    figure, (roc, recall) = panels(2, 2, side, margins=(0.6, 0.2, 0.4, 0.6 + 0.2 * legend_rows), gap=(0.7, 0))
    heading(roc, "ROC")
    heading(recall, "Precision and recall")
    roc.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
    handles = []
    for index, candidate in enumerate(candidates):
        colour, sample = SERIES[index % len(SERIES)], candidate.held_out
        best = candidate.name == winner
        dashes = _STYLES[index // len(SERIES) % len(_STYLES)]
        line: dict[str, Any] = {"color": colour, "linewidth": 2.4 if best else 1.3, "linestyle": dashes}
        front = 3 if best else 2
        if 0 < sample.positives < sample.rows:
            false_rate, true_rate, _ = roc_curve(sample.labels, sample.probabilities)
            roc.plot(*_thinned(false_rate, true_rate), zorder=front, **line)
            precision, found, _ = precision_recall_curve(sample.labels, sample.probabilities, drop_intermediate=True)
            recall.plot(*_thinned(found, precision), drawstyle="steps-post", zorder=front, **line)
            _mark(roc, recall, sample, colour)
        areas = ", ".join(
            f"{title} {sample.estimates[name].value:.3f}"
            for name, title in (("roc_auc", "ROC-AUC"), ("pr_auc", "PR-AUC"))
            if name in sample.estimates
        )
        title = fitted(f"{candidate.title}{' (winner)' if best else ''}", 2.2)
        handles.append(Line2D([], [], label=f"{title}: {areas}", **line))
    prevalence = candidates[0].held_out.positives / max(candidates[0].held_out.rows, 1)
    recall.axhline(prevalence, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
    roc.set_xlabel(f"false positive rate (1 {MINUS} specificity)")
    roc.set_ylabel("true positive rate (sensitivity)")
    recall.set_xlabel("recall (sensitivity)")
    recall.set_ylabel("precision")
    for axes in (roc, recall):
        axes.set_xlim(-0.015, 1.015)
        axes.set_ylim(-0.015, 1.025)
    figure.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.05, 0), ncol=2, handlelength=2, columnspacing=3)
    return figure


def _thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Evenly chosen points of a long curve, both ends among them: more than a screen shows would only weigh."""
    kept = np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).astype(np.intp)
    return x[kept], y[kept]


def _mark(roc: Axes, recall: Axes, sample: Sample, colour: str) -> None:
    counts = sample.confusion
    sensitivity = counts.true_positive / sample.positives
    place: dict[str, Any] = {"color": colour, "markeredgecolor": "white", "markersize": 7, "zorder": 4}
    roc.plot(counts.false_positive / (sample.rows - sample.positives), sensitivity, "o", **place)
    said = counts.true_positive + counts.false_positive
    if said:
        recall.plot(sensitivity, counts.true_positive / said, "o", **place)


@styled
def calibration(candidates: Sequence[CandidateEvaluation], positive: str) -> Figure:
    """Observed share against mean probability in ten equal bins of out-of-fold predictions, above the rows in each bin.

    The bars are Wilson's 95 % intervals of the observed share.
    """
    columns = 4
    figure, grid = panels(len(candidates), columns, 2.35, margins=(0.55, 0.1, 0.45, 0.5), gap=(0.3, 1.0))
    edges = np.linspace(0, 1, _BINS + 1)
    for index, (axes, candidate) in enumerate(zip(grid, candidates, strict=True)):
        sample = candidate.out_of_fold
        labels, probabilities = np.array(sample.labels), np.array(sample.probabilities)
        heading(axes, candidate.title)
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        counts = np.bincount(np.searchsorted(edges[1:-1], probabilities), minlength=_BINS)
        observed, predicted = calibration_curve(labels, probabilities, n_bins=_BINS)
        filled = counts[counts > 0]
        for x, share, rows in zip(predicted, observed, filled, strict=True):
            span = binomtest(round(share * rows), int(rows)).proportion_ci(method="wilson")
            axes.plot([x, x], [span.low, span.high], color=CLASSES[0], linewidth=1.3, alpha=0.55)
        axes.plot(predicted, observed, "o-", color=CLASSES[0], linewidth=1.4, markersize=4)
        axes.set_xlim(0, 1)
        axes.set_ylim(-0.3, 1.03)
        heights = 0.21 * counts / counts.max()
        axes.bar(edges[:-1] + 0.05, heights, width=0.088, bottom=-0.29, color=LINE)
        for middle, height, rows in zip(edges[:-1] + 0.05, heights, counts, strict=True):
            if 0 < rows < _LONGEST_COUNT:
                axes.text(middle, height - 0.275, str(rows), ha="center", fontsize=6.5, color=MUTED)
        ticks = [0, 0.25, 0.5, 0.75, 1]
        axes.set_xticks(ticks, ["0", ".25", ".5", ".75", "1"])
        axes.set_yticks(ticks, ["0", ".25", ".5", ".75", "1"] if index % columns == 0 else [""] * 5)
        axes.set_xlabel("mean probability")
        if index % columns == 0:
            axes.set_ylabel(f"observed share of {fitted(positive, 1.2)}")
    return figure


@styled
def confusion_matrices(candidates: Sequence[CandidateEvaluation], labels: tuple[str, str]) -> Figure:
    """Held-out rows by true and predicted class at each candidate's threshold; shares are of the true class."""
    columns = 4
    figure, grid = panels(len(candidates), columns, 1.75, margins=(0.5, 0.1, 0.55, 0.5), gap=(0.4, 1.15))
    short = [fitted(label, 0.9) for label in labels]
    place: dict[str, Any] = {"ha": "center", "va": "center"}
    for index, (axes, candidate) in enumerate(zip(grid, candidates, strict=True)):
        heading(axes, candidate.title, f"threshold {candidate.threshold:.3f}")
        item = candidate.held_out.confusion
        counts = np.array([[item.true_negative, item.false_positive], [item.false_negative, item.true_positive]])
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        for row in (0, 1):
            for column in (0, 1):
                shade = _tint(CLASSES[0] if row == column else CLASSES[1], 0.1 + 0.6 * shares[row, column])
                axes.fill([column, column + 1, column + 1, column], [row, row, row + 1, row + 1], color=shade)
                axes.text(column + 0.5, row + 0.42, f"{counts[row, column]:,}", fontsize=12, fontweight="bold", **place)
                axes.text(column + 0.5, row + 0.72, f"{100 * shares[row, column]:.0f} %", fontsize=8.8, **place)
        axes.axhline(1, color="white", linewidth=2)
        axes.axvline(1, color="white", linewidth=2)
        axes.set_xlim(0, 2)
        axes.set_ylim(2, 0)
        bare(axes)
        axes.set_xticks([0.5, 1.5], short, color=INK)
        axes.set_xlabel("predicted")
        if index % columns == 0:
            axes.set_yticks(
                [0.5, 1.5], short, rotation=90, va="baseline", ha="center", rotation_mode="anchor", color=INK
            )
            axes.set_ylabel("true")
    return figure


def _tint(colour: str, strength: float) -> tuple[float, float, float]:
    red, green, blue = (1 - (1 - channel) * strength for channel in to_rgb(colour))
    return red, green, blue


@styled
def importances(items: Sequence[Importance]) -> Figure:
    """How much each column matters to a model, strongest first; of many, the strongest 25. All items of one kind."""
    ranked = sorted(items, key=lambda item: -abs(item.value))[:MOST_IMPORTANT]
    is_weight = items[0].kind == "coefficient"
    label = "weight, in log-odds by standard deviation" if is_weight else "loss of ROC-AUC when shuffled"
    colours = CLASSES if is_weight else (MUTED, MUTED)
    return signed_bars([item.name for item in ranked], [item.value for item in ranked], label, colours)
