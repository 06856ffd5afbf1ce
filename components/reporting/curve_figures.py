"""How well candidates rank and how far their probabilities can be believed: ROC, precision-recall, calibration.

With more than two classes, each is one against the rest. A candidate's curve is then the mean over the classes, each
counting the same, and the winner has figures with a curve for each class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from components.reporting.figures import (
    CLASSES,
    LINE,
    MINUS,
    MUTED,
    SERIES,
    class_colours,
    fitted,
    heading,
    panels,
    styled,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from components.learning.evaluation import CandidateEvaluation, Sample

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

_BINS = 10
_USUAL = 0.995
_ENDS = (0.1, 0.2, 0.5, 1.0)
_LONGEST_COUNT = 1000  # from here on, a number is wider than its bar
_MOST_POINTS = 500
_STYLES = ("-", "--", ":")
_CHANCE: dict[str, Any] = {"color": MUTED, "linewidth": 0.9, "linestyle": (0, (4, 3))}


def one_against_rest(sample: Sample) -> list[tuple[Flags, Floats]]:
    """The rows to draw: whether each is of a class, and its probability of it. Of two classes the positive alone."""
    labels, probabilities = np.array(sample.labels), np.array(sample.probabilities)
    if probabilities.ndim == 1:
        return [(labels == 1, probabilities)]
    return [(labels == index, column) for index, column in enumerate(probabilities.T)]


@styled
def curves(candidates: Sequence[CandidateEvaluation], winner: str | None) -> Figure:
    """ROC and precision-recall on the held-out rows; of two classes, a dot marks each candidate's own threshold."""
    figure, roc, recall = _frames(len(candidates))
    handles = []
    for index, candidate in enumerate(candidates):
        colour, sample = SERIES[index % len(SERIES)], candidate.held_out
        best = candidate.name == winner
        dashes = _STYLES[index // len(SERIES) % len(_STYLES)]
        line: dict[str, Any] = {"color": colour, "linewidth": 2.4 if best else 1.3, "linestyle": dashes}
        drawable = [pair for pair in one_against_rest(sample) if 0 < pair[0].sum() < len(pair[0])]
        if drawable:
            _draw(roc, recall, drawable, {**line, "zorder": 3 if best else 2})
            if candidate.threshold is not None:
                _mark(roc, recall, sample, colour)
        areas = ", ".join(
            f"{title} {sample.estimates[name].value:.3f}"
            for name, title in (("roc_auc", "ROC-AUC"), ("pr_auc", "PR-AUC"))
            if name in sample.estimates
        )
        title = fitted(f"{candidate.title}{' (winner)' if best else ''}", 2.2)
        handles.append(Line2D([], [], label=f"{title}: {areas}", **line))
    counts = candidates[0].held_out.class_counts
    chance = counts[1] / max(sum(counts), 1) if candidates[0].threshold is not None else 1 / len(counts)
    recall.axhline(chance, **_CHANCE)
    _explain(figure, handles)
    return figure


@styled
def curves_by_class(candidate: CandidateEvaluation, labels: Sequence[str], shown: Sequence[int]) -> Figure:
    """ROC and precision-recall of one candidate on the held-out rows, each of the `shown` classes against the rest."""
    figure, roc, recall = _frames(len(shown))
    pairs = one_against_rest(candidate.held_out)
    handles = []
    for position, colour in zip(shown, class_colours(len(shown)), strict=True):
        line: dict[str, Any] = {"color": colour, "linewidth": 1.8}
        (truth, probability), areas = pairs[position], "of one class alone"
        if 0 < truth.sum() < len(truth):
            _draw(roc, recall, [(truth, probability)], line)
            area, precision = roc_auc_score(truth, probability), average_precision_score(truth, probability)
            areas = f"ROC-AUC {area:.3f}, PR-AUC {precision:.3f}"
        handles.append(Line2D([], [], label=f"{fitted(labels[position], 2.2)}: {areas}", **line))
    _explain(figure, handles)
    return figure


def _frames(lines: int) -> tuple[Figure, Axes, Axes]:
    figure, (roc, recall) = panels(2, 2, 4.25, margins=(0.6, 0.2, 0.4, 0.6 + 0.2 * -(-lines // 2)), gap=(0.7, 0))
    heading(roc, "ROC")
    heading(recall, "Precision and recall")
    roc.plot([0, 1], [0, 1], **_CHANCE)
    roc.set_xlabel(f"false positive rate (1 {MINUS} specificity)")
    roc.set_ylabel("true positive rate (sensitivity)")
    recall.set_xlabel("recall (sensitivity)")
    recall.set_ylabel("precision")
    for axes in (roc, recall):
        axes.set_xlim(-0.015, 1.015)
        axes.set_ylim(-0.015, 1.025)
    return figure, roc, recall


def _explain(figure: Figure, handles: Sequence[Line2D]) -> None:
    figure.legend(
        handles=list(handles), loc="lower left", bbox_to_anchor=(0.05, 0), ncol=2, handlelength=2, columnspacing=3
    )


def _draw(roc: Axes, recall: Axes, pairs: Sequence[tuple[Flags, Floats]], line: dict[str, Any]) -> None:
    """Both curves of one class, or their means over several, at the same false positive rates and recalls."""
    if len(pairs) == 1:
        false_rate, true_rate, _ = roc_curve(*pairs[0])
        precision, found, _ = precision_recall_curve(*pairs[0], drop_intermediate=True)
        roc.plot(*_thinned(false_rate, true_rate), **line)
        recall.plot(*_thinned(found, precision), drawstyle="steps-post", **line)
        return
    grid = np.linspace(0, 1, _MOST_POINTS)
    true_rates, precisions = [], []
    for truth, probability in pairs:
        false_rate, true_rate, _ = roc_curve(truth, probability)
        true_rates.append(np.interp(grid, false_rate, true_rate))
        precision, found, _ = precision_recall_curve(truth, probability)
        # Of all thresholds that find so much, the highest: recall falls along these arrays.
        precisions.append(precision[len(found) - 1 - np.searchsorted(found[::-1], grid)])
    roc.plot(np.append(0, grid), np.append(0, np.mean(true_rates, axis=0)), **line)
    recall.plot(grid, np.mean(precisions, axis=0), **line)


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
def calibration(candidates: Sequence[CandidateEvaluation], positive: str | None) -> Figure:
    """Each candidate's observed shares of the `positive` class against its mean probabilities, out of fold.

    With more than two classes there is none: a row counts once for each class, with its probability of that class.
    """
    content = []
    for item in candidates:
        pairs = one_against_rest(item.out_of_fold)
        truth, probability = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        content.append((item.title, truth, probability))
    return _reliability(content, f"observed share of {fitted(positive, 1.2)}" if positive else "observed share")


@styled
def calibration_by_class(candidate: CandidateEvaluation, labels: Sequence[str], shown: Sequence[int]) -> Figure:
    """One candidate's calibration out of fold, a panel for each of the `shown` classes against the rest."""
    pairs = one_against_rest(candidate.out_of_fold)
    return _reliability([(labels[position], *pairs[position]) for position in shown], "observed share")


def reach(samples: Sequence[Sample]) -> float:
    """Where the axes of their calibration end: 1, or less where nearly all probabilities are small: a rare class."""
    return _end([probability for sample in samples for _, probability in one_against_rest(sample)])


def _end(probabilities: Sequence[Floats]) -> float:
    usual = float(np.quantile(np.concatenate(probabilities), _USUAL))
    return next(end for end in _ENDS if usual <= end or end == 1)


def _reliability(content: Sequence[tuple[str, Flags, Floats]], label: str) -> Figure:
    """Observed share against mean probability in ten equal bins, above the rows in each bin: a panel for each title.

    The bars are Wilson's 95 % intervals of the observed share.
    """
    columns = 4
    end = _end([probability for _, _, probability in content])
    figure, grid = panels(len(content), columns, 2.35, margins=(0.55, 0.1, 0.45, 0.5), gap=(0.3, 1.0))
    edges = np.linspace(0, end, _BINS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    ticks = np.linspace(0, end, 5)
    names = [f"{tick:g}".removeprefix("0") or "0" for tick in ticks]
    for index, (axes, (title, truth, probability)) in enumerate(zip(grid, content, strict=True)):
        heading(axes, title)
        axes.plot([0, end], [0, end], **_CHANCE)
        within = probability <= end
        bins = np.searchsorted(edges[1:-1], probability[within])
        counts = np.bincount(bins, minlength=_BINS)
        filled = counts > 0
        predicted = np.bincount(bins, probability[within], _BINS)[filled] / counts[filled]
        found = np.bincount(bins, truth[within], _BINS)[filled].astype(np.intp)
        for x, true, rows in zip(predicted, found, counts[filled], strict=True):
            span = binomtest(int(true), int(rows)).proportion_ci(method="wilson")
            axes.plot([x, x], [span.low, span.high], color=CLASSES[0], linewidth=1.3, alpha=0.55)
        axes.plot(predicted, found / counts[filled], "o-", color=CLASSES[0], linewidth=1.4, markersize=4)
        axes.set_xlim(0, end)
        axes.set_ylim(-0.3 * end, 1.03 * end)
        heights = 0.21 * end * counts / counts.max()
        axes.bar(middles, heights, width=0.088 * end, bottom=-0.29 * end, color=LINE)
        for middle, height, rows in zip(middles, heights, counts, strict=True):
            if 0 < rows < _LONGEST_COUNT:
                axes.text(middle, height - 0.275 * end, str(rows), ha="center", fontsize=6.5, color=MUTED)
        axes.set_xticks(ticks, names)
        axes.set_yticks(ticks, names if index % columns == 0 else [""] * len(ticks))
        axes.set_xlabel("mean probability")
        if index % columns == 0:
            axes.set_ylabel(label)
    return figure
