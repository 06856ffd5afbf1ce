"""The report's figures, each with what it shows in words and a line on what to look for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from components.reporting import evaluation_figures, exploration_figures
from components.reporting.figures import to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from components.learning.evaluation import CandidateEvaluation, Evaluation
    from components.reporting.summary import TableSummary
    from contract.schema import Contract

CHART_METRICS = ("roc_auc", "pr_auc", "brier", "log_loss", "accuracy", "sensitivity", "specificity")
SUBSET_METRICS = ("roc_auc", "brier", "sensitivity", "specificity")


@dataclass(frozen=True)
class Drawing:
    """A figure of the page, and the line below it that says what to look for."""

    svg: Markup
    caption: str


def explored(summary: TableSummary) -> dict[str, Drawing]:
    """The figures of a training table, by name; what the table has nothing to show for is left out."""
    draw = exploration_figures
    negative, positive = summary.contract.target.labels
    figures = {
        "balance": _drawing(
            draw.class_balance(summary),
            "Bar chart of the rows in each class",
            "The longer bar's share is the accuracy of always giving that answer: a model has to beat it.",
        )
    }
    if any(summary.missing.values()):
        figures["missing"] = _drawing(
            draw.missing_values(summary),
            "Bar chart of the missing cells of each feature",
            "Cells are counted here, one by feature and row; a row with two gaps counts in two bars.",
        )
    if summary.measured:
        figures["histograms"] = _drawing(
            draw.histograms(summary),
            "Histograms of the numeric features by class",
            "Where the two colours come apart, the feature separates the classes by itself; each class sums to 100 %.",
        )
        figures["boxes"] = _drawing(
            draw.box_plots(summary),
            "Box plots of the numeric features by class",
            "Compare the medians with the width of the boxes; circles beyond the whiskers are values to look at.",
        )
    if summary.counted:
        figures["categories"] = _drawing(
            draw.category_bars(summary),
            "Bar charts of the boolean and categorical features by class",
            "Bars of unlike length mark a category that speaks for a class; rows, and their share of the class.",
        )
    if summary.ranking:
        figures["heatmap"] = _drawing(
            draw.correlation_heatmap(summary),
            "Heat map of the correlations between features and target",
            f"The last row is the target ({positive}); dark cells above it are features that say the same.",
        )
        figures["ranking"] = _drawing(
            draw.correlation_ranking(summary),
            "Bar chart of the features' correlations with the target, strongest first",
            f"Orange rises with {positive}, blue with {negative}; only straight-line relations show.",
        )
    return figures


def evaluated(contract: Contract, evaluation: Evaluation) -> dict[str, Drawing]:
    """The figures of all candidates, and of the winner if there is one, by name."""
    winner = evaluation.candidate(evaluation.selection.winner) if evaluation.selection else None
    figures = _of_candidates(contract, evaluation.candidates, winner)
    return {**figures, **_of_winner(contract, winner, evaluated_sites(contract, evaluation))} if winner else figures


def evaluated_sites(contract: Contract, evaluation: Evaluation) -> list[str]:
    """The external tables that any candidate was evaluated on, in the contract's order."""
    return [name for name in contract.external if any(name in item.external for item in evaluation.candidates)]


def _of_candidates(
    contract: Contract, candidates: Sequence[CandidateEvaluation], winner: CandidateEvaluation | None
) -> dict[str, Drawing]:
    draw = evaluation_figures
    nested = draw.Origin("nested cross-validation", [item.resampled.estimates for item in candidates])
    held_out = draw.Origin("held out", [item.held_out.estimates for item in candidates])
    metrics = [name for name in CHART_METRICS if any(name in item for item in nested.estimates)]
    best = candidates.index(winner) if winner else None
    return {
        "comparison": _drawing(
            draw.intervals([item.title for item in candidates], [nested, held_out], metrics, best),
            "Metrics of all candidates with intervals, cross-validated and held out",
            "Candidates whose bars overlap widely are not told apart by these data; the winner is shaded.",
        ),
        "curves": _drawing(
            draw.curves(candidates, winner.name if winner else None),
            "ROC and precision-recall curves of all candidates on the held-out rows",
            "Nearer to the corner is better: top left, then top right. Dots are the thresholds in use; dashes, chance.",
        ),
        "calibration": _drawing(
            draw.calibration(candidates, contract.target.positive),
            "Calibration curves of all candidates on out-of-fold predictions",
            "On the diagonal, a probability can be taken at its word; with few rows (grey bars) intervals are long.",
        ),
        "confusion": _drawing(
            draw.confusion_matrices(candidates, contract.target.labels),
            "Confusion matrices of all candidates on the held-out rows",
            "Blue is right, orange wrong; bottom left are the rows that were missed. Shares are of the true class.",
        ),
    }


def _of_winner(contract: Contract, winner: CandidateEvaluation, sites: Sequence[str]) -> dict[str, Drawing]:
    draw = evaluation_figures
    figures = {}
    known = [name for name in sites if name in winner.external]
    if known:
        rows = ["Held out", *(contract.external[name].title for name in known)]
        found = [winner.held_out.estimates, *(winner.external[name].estimates for name in known)]
        figures["external"] = _drawing(
            draw.intervals(rows, [draw.Origin(winner.title, found)], SUBSET_METRICS, 0),
            "The winner's metrics at each external site, with the held-out rows for comparison",
            "A site far to the worse side of the held-out rows (shaded) is one where the model doesn't carry over.",
        )
    if winner.slices:
        rows = [f"{item.feature}: {item.label}" for item in winner.slices]
        found = [item.estimates for item in winner.slices]
        figures["slices"] = _drawing(
            draw.intervals(rows, [draw.Origin(winner.title, found)], SUBSET_METRICS),
            "The winner's metrics on parts of the training rows",
            "Look for a part whose whole bar lies to the worse side of the others: it is served worse.",
        )
    weights = [item for item in winner.importances if item.kind == "coefficient"]
    if weights:
        figures["coefficient"] = _drawing(
            draw.importances(weights),
            "Bar chart of the winner's coefficients, strongest first",
            f"Orange speaks for {contract.target.positive}, blue against; correlated columns share their weight.",
        )
    shuffled = [item for item in winner.importances if item.kind == "permutation"]
    if shuffled:
        figures["permutation"] = _drawing(
            draw.importances(shuffled),
            "Bar chart of the winner's permutation importances, strongest first",
            "Long bars are what the model relies on; a feature with a stand-in looks less important than it is.",
        )
    return figures


def _drawing(figure: Figure, description: str, caption: str) -> Drawing:
    return Drawing(Markup(to_svg(figure, description)), caption)  # noqa: S704 (to_svg escapes all text)
