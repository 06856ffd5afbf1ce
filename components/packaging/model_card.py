"""The model card of a bundle: what the model is for, how good it is, where it fails. After Mitchell et al. (2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.reporting.wording import (
    MADE,
    alternatives,
    class_counts,
    full_metric_title,
    shown_metrics,
    within_budget,
    without_suspects,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.learning.evaluation import CandidateEvaluation, Estimate, Evaluation
    from components.packaging.parity import Parity
    from contract.schema import Contract

_SITE_METRICS = ("roc_auc", "sensitivity", "specificity", "brier")


def model_card(contract: Contract, evaluation: Evaluation, parity: Parity, created: str) -> str:
    """Markdown; `evaluation` has its selection."""
    if evaluation.selection is None:
        raise ValueError("a model card is written after the selection")
    winner = evaluation.candidate(evaluation.selection.winner)
    made = [f"> **{MADE}**", ""] if evaluation.made else []
    budget = within_budget(winner, evaluation)
    return "\n".join(
        [
            f"# {contract.title}: {winner.title}",
            "",
            *made,
            f"Made on {created}. {_answer(contract, winner)}",
            "",
            "## Meant for",
            "",
            contract.description,
            "",
            "It supports a decision; it doesn't take one. Nobody has tried it in practice.",
            "",
            "## How good it is",
            "",
            evaluation.selection.reason,
            "",
            (
                f"Trained on {evaluation.training_rows} rows, {evaluation.held_out_rows} held out."
                f"{f' The model was {budget}.' if budget else ''} Intervals are"
                f" 95 %: Nadeau-Bengio for {winner.resampled.repeats} x {winner.resampled.folds}-fold nested"
                " cross-validation, percentile bootstrap for the held-out rows."
            ),
            "",
            *_metrics(
                contract, {"cross-validation": winner.resampled.estimates, "held out": winner.held_out.estimates}
            ),
            *_external(contract, winner),
            *_suspects(contract, evaluation, winner),
            "",
            "## What is served",
            "",
            (
                f"Preprocessing as numpy and the model as ONNX, both in float64. On {parity.rows:,} rows it differs"
                f" from the reference estimator by at most {parity.largest_difference:.1e};"
                f" {parity.flipped} decisions differ."
            ),
            "",
            "## Data",
            "",
            f"{contract.training.title}. Licence: {contract.licence}. {contract.citation}",
            "",
            *made,
        ]
    )


def _answer(contract: Contract, winner: CandidateEvaluation) -> str:
    target = contract.target
    if winner.threshold is None:
        return (
            f"It estimates the probabilities of *{alternatives(target.labels)}* ({target.description}), and says which"
            " of them is the most probable."
        )
    negative, positive = target.labels
    return (
        f"It estimates the probability of *{positive}* against *{negative}* ({target.description}), and says"
        f" *{positive}* from {winner.threshold:.3f} on."
    )


def _metrics(contract: Contract, columns: Mapping[str, Mapping[str, Estimate]]) -> list[str]:
    rows = [
        _row(full_metric_title(contract, metric), *(found[metric] for found in columns.values()))
        for metric in shown_metrics(contract)
        if all(metric in found for found in columns.values())
    ]
    return [_row("metric", *columns), _row(*["---"] * (len(columns) + 1)), *rows]


def _external(contract: Contract, winner: CandidateEvaluation) -> list[str]:
    if not winner.external:
        return []
    metrics = shown_metrics(contract, _SITE_METRICS)
    positive = contract.target.positive
    sites = [
        _row(
            contract.external[name].title,
            f"{sample.rows} ({sample.positives if positive else class_counts(contract, sample.class_counts)})",
            *(sample.estimates[metric] for metric in metrics),
            contract.external[name].note or "",
        )
        for name, sample in winner.external.items()
    ]
    return [
        "",
        "On tables of other sites, which took no part in training:",
        "",
        _row(
            "site",
            f"rows ({positive or 'by class'})",
            *(full_metric_title(contract, metric) for metric in metrics),
            "note",
        ),
        _row(*["---"] * (len(metrics) + 3)),
        *sites,
    ]


def _suspects(contract: Contract, evaluation: Evaluation, winner: CandidateEvaluation) -> list[str]:
    """What is known of the features that may know the answer, which the model uses."""
    found = evaluation.ablation
    if found is None:
        return []
    reasons = [
        f"- {feature.name}: {feature.suspect}" for feature in contract.features if feature.name in found.features
    ]
    columns = {
        "with, cross-validation": winner.resampled.estimates,
        "without, cross-validation": found.resampled.estimates,
        "with, held out": winner.held_out.estimates,
        "without, held out": found.held_out.estimates,
    }
    return [
        "",
        "## With and without the features that may know the answer",
        "",
        without_suspects(contract, evaluation),
        "",
        *reasons,
        "",
        *_metrics(contract, columns),
    ]


def _row(*cells: object) -> str:
    """A line of a Markdown table; neither a bar nor a line break in a cell ends it."""
    return f"| {' | '.join(' '.join(str(cell).replace('|', '&#124;').split()) for cell in cells)} |"
