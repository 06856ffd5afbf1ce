"""What a run came to, on one screen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.table import Table

from components.learning.evaluation import METRIC_TITLES, Evaluation
from components.publish import Outcome
from components.reporting.wording import MADE, is_macro, joined, shown_metrics, within_budget, without_suspects
from contract.document import load_contract
from local.workspace import LATEST, RUNS, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from components.learning.evaluation import CandidateEvaluation, Estimate, Selection
    from local.outputs import Outputs
    from local.workspace import Workspace

_SHOWN = ("roc_auc", "brier", "sensitivity", "specificity")
_WIDTH = 92
"""What the table needs; a narrower window, or a pipe, gets it whole all the same."""
_COLUMN = 16
"""What one more metric needs."""


def show(console: Console, workspace: Workspace, outputs: Outputs) -> None:
    """Print the candidates, the winner and why, where everything is, and what to try next."""
    evaluation = Evaluation.model_validate_json(outputs.artifact("ablate", "completed").read_bytes())
    outcome = Outcome.model_validate_json(outputs.artifact("publish", "outcome").read_bytes())
    selection = evaluation.selection
    if selection is None:
        raise ValueError("the run has no selection")
    contract = load_contract(workspace.bundle / "contract.yaml")
    winner = evaluation.candidate(selection.winner)
    metrics = shown_metrics(contract, _SHOWN)
    console.print()
    if evaluation.made:
        console.print(MADE, style="bold white on red", highlight=False)
        console.print()
    console.width = max(console.width, _WIDTH + _COLUMN * (len(metrics) - len(_SHOWN)))
    console.print(_table(evaluation, selection, metrics))
    averaged = [METRIC_TITLES[metric] for metric in metrics if is_macro(contract, metric)]
    if averaged:
        console.print(f"{joined(averaged)}: of each class against the rest, then averaged", highlight=False)
    for candidate in evaluation.candidates:
        if budget := within_budget(candidate, evaluation):
            console.print(f"  {candidate.name}: {budget}", highlight=False)
    for refusal in selection.refused:
        metric = METRIC_TITLES[refusal.metric]
        console.print(f"✗ {refusal.candidate}: {metric} {refusal.value:.3f} is below the floor of {refusal.floor:g}")
    console.print()
    for name, text in (
        ("Winner", selection.reason),
        ("Held out", _held_out(winner, selection.metric)),
        *([("Suspect", without_suspects(contract, evaluation))] if evaluation.ablation else []),
        ("Registry", f"{outcome.reason[:1].upper()}{outcome.reason[1:]}."),
    ):
        console.print(f"{name:<9}{text}", highlight=False, soft_wrap=True)
    tracker = os.environ.get("MLFLOW_TRACKING_URI") or shown(RUNS / "mlflow.db")
    for name, place in (
        ("Report", shown(workspace.report)),
        ("Bundle", shown(workspace.bundle)),
        ("Logs", shown(workspace.directory / "logs")),
        ("MLflow", f"{tracker} (make mlflow shows it)"),
    ):
        console.print(f"{name:<9}{place}", highlight=False, soft_wrap=True)
    if workspace.directory != LATEST.resolve():
        console.print(f"{shown(LATEST)} has moved on to a later run.", highlight=False)
    console.print()
    console.print("Next:    make serve", highlight=False)
    console.print(f"         curl -s localhost:8080/v2/models/{contract.name}", highlight=False)


def _held_out(winner: CandidateEvaluation, metric: str) -> str:
    sample = winner.held_out
    names = dict.fromkeys((metric, "sensitivity", "specificity"))
    found = ", ".join(f"{METRIC_TITLES[name]} {sample.estimates[name]}" for name in names)
    return f"{found} on {sample.rows:,} rows that no candidate had seen"


def _table(evaluation: Evaluation, selection: Selection, metrics: Sequence[str]) -> Table:
    resampled = evaluation.candidates[0].resampled
    table = Table(
        title=f"{resampled.repeats} x {resampled.folds}-fold nested cross-validation, ± to the end of a 95 % interval",
        title_justify="left",
        title_style="",
        box=None,
        pad_edge=False,
    )
    table.add_column("candidate", no_wrap=True)
    for metric in metrics:
        table.add_column(METRIC_TITLES[metric], justify="right", no_wrap=True)
    refused = {refusal.candidate for refusal in selection.refused}
    for candidate in evaluation.candidates:
        mark = "✓" if candidate.name == selection.winner else "✗" if candidate.name in refused else " "
        estimates = candidate.resampled.estimates
        table.add_row(
            f"{mark} {candidate.title}",
            *(_plus_minus(estimates[name]) for name in metrics),
            style="bold" if candidate.name == selection.winner else "",
        )
    return table


def _plus_minus(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ± {max(estimate.high - estimate.value, estimate.value - estimate.low):.3f}"
