"""The figures of an evaluation: all candidates side by side, and the winner more closely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.learning.evaluation import MACRO
from components.reporting import curve_figures, evaluation_figures
from components.reporting.evaluation_figures import MOST_CONFUSED, MOST_IMPORTANT, Origin
from components.reporting.gallery import Drawing, drawing
from components.reporting.summary import MOST_CLASSES
from components.reporting.wording import is_macro, part, shown_metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.learning.evaluation import CandidateEvaluation, Evaluation, Sample, Slice
    from contract.schema import Contract

CHART_METRICS = ("roc_auc", "pr_auc", "brier", "log_loss", "accuracy", "sensitivity", "specificity")
SUBSET_METRICS = ("roc_auc", "brier", "sensitivity", "specificity")

MOST_SLICES = 40
"""Of more slices, those that deviate most are shown."""


def evaluated(contract: Contract, evaluation: Evaluation) -> dict[str, Drawing]:
    """The figures of all candidates, and of the winner if there is one, by name."""
    winner = evaluation.candidate(evaluation.selection.winner) if evaluation.selection else None
    figures = _of_candidates(contract, evaluation.candidates, winner)
    if winner is None:
        return figures
    if not contract.target.is_binary:
        figures |= _by_class(contract, winner)
    if evaluation.ablation:
        figures["ablation"] = _without_suspects(contract, winner, evaluation)
    return {**figures, **_of_winner(contract, winner, evaluated_sites(contract, evaluation))}


def evaluated_sites(contract: Contract, evaluation: Evaluation) -> list[str]:
    """The external tables that any candidate was evaluated on, in the contract's order."""
    return [name for name in contract.external if any(name in item.external for item in evaluation.candidates)]


def subset_metrics(contract: Contract) -> tuple[str, ...]:
    """The few metrics by which subsets are compared; beside the Gini, the ROC-AUC would say the same again."""
    few = shown_metrics(contract, SUBSET_METRICS)
    return tuple(name for name in few if name != "roc_auc") if contract.decision.metric == "gini" else few


def shown_slices(contract: Contract, winner: CandidateEvaluation) -> list[Slice]:
    """All slices, or of many those that deviate most from the whole, in lengths of their own intervals."""
    metric = contract.decision.metric
    whole = winner.out_of_fold.estimates[metric].value

    def apart(item: Slice) -> float:
        estimate = item.estimates[metric]
        distance = abs(estimate.value - whole) / max(estimate.high - estimate.low, 1e-9)
        return -distance if distance >= 0 else 0.0  # NaN: undefined on these rows

    return list(winner.slices) if len(winner.slices) <= MOST_SLICES else sorted(winner.slices, key=apart)[:MOST_SLICES]


def _of_candidates(
    contract: Contract, candidates: Sequence[CandidateEvaluation], winner: CandidateEvaluation | None
) -> dict[str, Drawing]:
    draw, target = evaluation_figures, contract.target
    nested = Origin("nested cross-validation", [item.resampled.estimates for item in candidates])
    held_out = Origin("held out", [item.held_out.estimates for item in candidates])
    metrics = [
        name for name in shown_metrics(contract, CHART_METRICS) if any(name in item for item in nested.estimates)
    ]
    best = candidates.index(winner) if winner else None
    if target.is_binary:
        dots = "Dots are the thresholds in use; dashes, chance."
        trust = "On the diagonal, a probability can be taken at its word;"
        missed = "bottom left are the rows that were missed."
    else:
        dots = "Curves are means over the classes, each against the rest; dashes, chance."
        trust = "All classes together: on the diagonal, a probability can be taken at its word;"
        missed = "the most probable class is predicted."
    confused = candidates if len(target.labels) <= MOST_CONFUSED else [winner or candidates[0]]
    return {
        "comparison": drawing(
            draw.intervals([item.title for item in candidates], [nested, held_out], metrics, best, _averaged(contract)),
            "Metrics of all candidates with intervals, cross-validated and held out",
            "Candidates whose bars overlap widely are not told apart by these data; the winner is shaded.",
            "" if target.is_binary else "Macro-averages: higher is better.",
        ),
        "curves": drawing(
            curve_figures.curves(candidates, winner.name if winner else None),
            "ROC and precision-recall curves of all candidates on the held-out rows",
            f"Nearer to the corner is better: top left, then top right. {dots}",
            _thinned(candidates[0].held_out),
        ),
        "calibration": drawing(
            curve_figures.calibration(candidates, target.positive),
            "Calibration curves of all candidates on out-of-fold predictions",
            f"{trust} with few rows (grey bars) intervals are long.",
            _axes(candidates),
            _thinned(candidates[0].out_of_fold),
        ),
        "confusion": drawing(
            draw.confusion_matrices(confused, target.labels),
            f"Confusion matrices of {'all candidates' if confused is candidates else confused[0].title} on the held-out"
            " rows",
            f"Blue is right, orange wrong; {missed} Shares are of the true class.",
        ),
    }


def _by_class(contract: Contract, winner: CandidateEvaluation) -> dict[str, Drawing]:
    """The winner's curves, each class against the rest; of many classes, those with the most held-out rows."""
    labels, counts = contract.target.labels, winner.held_out.class_counts
    shown = sorted(sorted(range(len(labels)), key=lambda position: -counts[position])[:MOST_CLASSES])
    most = part(len(labels), len(shown), "classes", "most frequent")
    return {
        "curves_by_class": drawing(
            curve_figures.curves_by_class(winner, labels, shown),
            "ROC and precision-recall curves of the winner on the held-out rows, by class",
            f"{winner.title}: each class against the rest; a class below the others is harder to tell.",
            most,
            _thinned(winner.held_out),
        ),
        "calibration_by_class": drawing(
            curve_figures.calibration_by_class(winner, labels, shown),
            "Calibration curves of the winner on out-of-fold predictions, by class",
            f"{winner.title}: below the diagonal, the class is rarer than its probability says.",
            _axes([winner]),
            most,
            _thinned(winner.out_of_fold),
        ),
    }


def _without_suspects(contract: Contract, winner: CandidateEvaluation, evaluation: Evaluation) -> Drawing:
    found = evaluation.ablation
    assert found
    nested = Origin("nested cross-validation", [winner.resampled.estimates, found.resampled.estimates])
    held_out = Origin("held out", [winner.held_out.estimates, found.held_out.estimates])
    metrics = [name for name in shown_metrics(contract, CHART_METRICS) if name in found.resampled.estimates]
    return drawing(
        evaluation_figures.intervals(["with", "without"], [nested, held_out], metrics, averaged=_averaged(contract)),
        "The winner's metrics with and without the suspect features",
        "What is lost without them is what they may have known of the answer, besides what they honestly tell.",
    )


def _of_winner(contract: Contract, winner: CandidateEvaluation, sites: Sequence[str]) -> dict[str, Drawing]:
    draw, metrics, averaged = evaluation_figures, subset_metrics(contract), _averaged(contract)
    figures = {}
    known = [name for name in sites if name in winner.external]
    if known:
        rows = ["Held out", *(contract.external[name].title for name in known)]
        found = [winner.held_out.estimates, *(winner.external[name].estimates for name in known)]
        figures["external"] = drawing(
            draw.intervals(rows, [Origin(winner.title, found)], metrics, 0, averaged),
            "The winner's metrics at each external site, with the held-out rows for comparison",
            "A site far to the worse side of the held-out rows (shaded) is one where the model doesn't carry over.",
        )
    if winner.slices:
        slices = shown_slices(contract, winner)
        rows = [f"{item.feature}: {item.label}" for item in slices]
        figures["slices"] = drawing(
            draw.intervals(
                rows, [Origin(winner.title, [item.estimates for item in slices])], metrics, averaged=averaged
            ),
            "The winner's metrics on parts of the training rows",
            "Look for a part whose whole bar lies to the worse side of the others: it is served worse.",
            part(len(winner.slices), len(slices), "parts", "that deviate most"),
        )
    weights = [item for item in winner.importances if item.kind == "coefficient"]
    if weights:
        figures["coefficient"] = drawing(
            draw.importances(weights),
            "Bar chart of the winner's coefficients, strongest first",
            f"Orange speaks for {contract.target.labels[-1]}, blue against; correlated columns share their weight.",
            part(len(weights), MOST_IMPORTANT, "columns", "strongest"),
        )
    shuffled = [item for item in winner.importances if item.kind == "permutation"]
    if shuffled:
        figures["permutation"] = drawing(
            draw.importances(shuffled, MACRO if is_macro(contract, "roc_auc") else ""),
            "Bar chart of the winner's permutation importances, strongest first",
            "Long bars are what the model relies on; a feature with a stand-in looks less important than it is.",
            part(len(shuffled), MOST_IMPORTANT, "features", "strongest"),
        )
    return figures


def _averaged(contract: Contract) -> list[str]:
    return [name for name in shown_metrics(contract) if is_macro(contract, name)]


def _axes(candidates: Sequence[CandidateEvaluation]) -> str:
    end = curve_figures.reach([item.out_of_fold for item in candidates])
    return f"The axes end at {end:g}: at most one in 200 probabilities lies beyond." if end < 1 else ""


def _thinned(sample: Sample) -> str:
    drawn = len(sample.labels)
    return f"Drawn from {drawn:,} of {sample.rows:,} rows, chosen at random." if drawn < sample.rows else ""
