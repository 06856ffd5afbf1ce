"""What a run came to, as Markdown: for the summary page of a CI job, or to paste into a discussion.

`python -m local.job_summary runs/latest` appends to the file that `GITHUB_STEP_SUMMARY` names, or prints.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from components.learning.evaluation import Evaluation
from components.publish import Outcome
from components.reporting.wording import MADE, full_metric_title, shown_metrics, within_budget, without_suspects
from contract.document import load_contract
from contract.errors import ContractError
from local.errors import LocalRunError, MissingOutput
from local.outputs import Outputs
from local.workspace import LATEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from components.learning.evaluation import CandidateEvaluation, Selection
    from contract.schema import Contract

_METRICS = ("roc_auc", "pr_auc", "brier", "sensitivity", "specificity")


def summary(directory: Path) -> str:
    """The run in `directory`: its winner and why, every candidate with 95 % intervals, and what each task cost.

    Raises:
        MissingOutput: there is no finished run.
    """
    outputs = Outputs.at(directory)
    evaluation = Evaluation.model_validate_json(outputs.artifact("ablate", "completed").read_bytes())
    outcome = Outcome.model_validate_json(outputs.artifact("publish", "outcome").read_bytes())
    contract = load_contract(outputs.artifact("package", "bundle") / "contract.yaml")
    return "\n".join(_lines(contract, evaluation, outcome, outputs)) + "\n"


def _lines(contract: Contract, evaluation: Evaluation, outcome: Outcome, outputs: Outputs) -> Iterator[str]:
    selection = evaluation.selection
    if selection is None:
        raise MissingOutput(f"The run in {outputs.directory} has no winner.")
    yield f"## {_text(contract.title)}"
    yield ""
    if evaluation.made:
        yield from (f"> **{MADE}**", "")
    yield f"**{_text(evaluation.candidate(selection.winner).title)}** wins. {_text(selection.reason)}"
    yield ""
    reason = f"{outcome.reason[:1].upper()}{outcome.reason[1:]}."
    yield f"{_text(reason)} Golden rows answered over HTTP: {outcome.proven_rows}."
    yield ""
    yield from _candidates(contract, evaluation, selection)
    refused = [
        f"- {_text(refusal.candidate)}: {full_metric_title(contract, refusal.metric)} {refusal.value:.3f} is below the"
        f" floor of {refusal.floor:g}"
        for refusal in selection.refused
    ]
    budgets = [
        f"- {_text(candidate.name)}: {budget}"
        for candidate in evaluation.candidates
        if (budget := within_budget(candidate, evaluation))
    ]
    suspects = [f"- {_text(without_suspects(contract, evaluation))}"] if evaluation.ablation else []
    yield from ("", *refused, *budgets, *suspects, "")
    yield from ("<details><summary>Tasks</summary>", "", *_tasks(outputs), "", "</details>")


def _candidates(contract: Contract, evaluation: Evaluation, selection: Selection) -> Iterator[str]:
    metrics = shown_metrics(contract, _METRICS)
    resampled = evaluation.candidates[0].resampled
    winner, refused = selection.winner, {refusal.candidate for refusal in selection.refused}
    yield (
        f"{resampled.repeats} x {resampled.folds}-fold nested cross-validation, and the winner on"
        f" {evaluation.candidate(winner).held_out.rows:,} rows that no candidate had seen; 95 % intervals."
    )
    yield ""
    yield from _table(
        ("", "candidate", *(full_metric_title(contract, metric) for metric in metrics)),
        [
            *(
                (
                    "✓" if candidate.name == winner else "✗" if candidate.name in refused else "",
                    _text(candidate.title),
                    *_estimates(candidate, metrics),
                )
                for candidate in evaluation.candidates
            ),
            (
                "",
                "**the winner, held out**",
                *(str(evaluation.candidate(winner).held_out.estimates[metric]) for metric in metrics),
            ),
        ],
    )


def _estimates(candidate: CandidateEvaluation, metrics: Iterable[str]) -> Iterator[str]:
    return (str(candidate.resampled.estimates[metric]) for metric in metrics)


def _tasks(outputs: Outputs) -> Iterator[str]:
    return _table(
        ("task", "state", "attempts", "seconds", "peak MiB"),
        [
            (
                _text(record.task),
                record.state,
                str(record.attempts),
                f"{record.duration_seconds:.1f}",
                "" if record.peak_memory_mib is None else f"{record.peak_memory_mib:.0f}",
            )
            for record in outputs.tasks
        ],
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' for _ in head)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _text(text: str) -> str:
    """Text of a contract as Markdown that shows it as it is, and starts no cell, tag or link of its own."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())


def main(arguments: Sequence[str]) -> int:
    """Write the summary of the run named, or of the newest; returns the status."""
    try:
        text = summary(Path(arguments[0]) if arguments else LATEST)
    except (LocalRunError, ContractError) as error:
        print(error, file=sys.stderr)
        return 1
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(text)
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
