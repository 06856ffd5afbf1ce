"""The model card of a bundle: what the model is for, how good it is, where it fails. After Mitchell et al. (2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.learning.evaluation import METRIC_TITLES, METRICS

if TYPE_CHECKING:
    from components.learning.evaluation import Evaluation
    from components.packaging.parity import Parity
    from contract.schema import Contract

_SITE_METRICS = ("roc_auc", "sensitivity", "specificity", "brier")


def model_card(contract: Contract, evaluation: Evaluation, parity: Parity, created: str) -> str:
    """Markdown; `evaluation` has its selection."""
    if evaluation.selection is None:
        raise ValueError("a model card is written after the selection")
    winner = evaluation.candidate(evaluation.selection.winner)
    rows = [
        _row(METRIC_TITLES[metric], winner.resampled.estimates[metric], winner.held_out.estimates[metric])
        for metric in METRICS
    ]
    sites = [
        _row(
            contract.external[name].title,
            f"{sample.rows} ({sample.positives})",
            *(sample.estimates[metric] for metric in _SITE_METRICS),
            contract.external[name].note or "",
        )
        for name, sample in winner.external.items()
    ]
    external = [
        "",
        "On tables of other sites, which took no part in training:",
        "",
        _row(
            "site", f"rows ({contract.target.positive})", *(METRIC_TITLES[metric] for metric in _SITE_METRICS), "note"
        ),
        _row(*["---"] * (len(_SITE_METRICS) + 3)),
        *sites,
    ]
    return "\n".join(
        [
            f"# {contract.title}: {winner.title}",
            "",
            (
                f"Made on {created}. It estimates the probability of *{contract.target.positive}* against"
                f" *{contract.target.negative}* ({contract.target.description}), and says"
                f" *{contract.target.positive}* from {winner.threshold:.3f} on."
            ),
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
                f"Trained on {evaluation.training_rows} rows, {evaluation.held_out_rows} held out. Intervals are"
                f" 95 %: Nadeau-Bengio for {winner.resampled.repeats} x {winner.resampled.folds}-fold nested"
                " cross-validation, percentile bootstrap for the held-out rows."
            ),
            "",
            _row("metric", "cross-validation", "held out"),
            _row("---", "---", "---"),
            *rows,
            *(external if sites else []),
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
        ]
    )


def _row(*cells: object) -> str:
    """A line of a Markdown table; neither a bar nor a line break in a cell ends it."""
    return f"| {' | '.join(' '.join(str(cell).replace('|', '&#124;').split()) for cell in cells)} |"
