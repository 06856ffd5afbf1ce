"""The report of a training run: one HTML page that needs nothing else, neither network, nor scripts, nor fonts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from components.learning.evaluation import METRICS
from components.learning.judgement import MOST_SLICED
from components.reporting import wording
from components.reporting.figures import MINUS
from components.reporting.gallery import explored
from components.reporting.results import CHART_METRICS, evaluated, evaluated_sites, shown_slices, subset_metrics
from components.reporting.summary import summarise
from contract.decision import LOWER_IS_BETTER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from components.learning.evaluation import Estimate, Evaluation, Refusal, Sample
    from components.packaging.parity import Parity
    from components.reporting.summary import Table
    from contract.schema import Contract, Source

EXTERNAL_METRICS = ("roc_auc", "pr_auc", "brier", "accuracy", "sensitivity", "specificity")
CANDIDATE_METRICS = (*CHART_METRICS, "specificity_at_sensitivity")


@dataclass(frozen=True)
class ReportFacts:
    """Where a run comes from, and how far the served form of its winner is from what was evaluated."""

    run_id: str
    created: datetime
    code_revision: str
    table_sha256: str
    parity: Parity


@dataclass(frozen=True)
class Site:
    """An external table: what the contract says of it, a warning if it is small, each candidate's answers on it."""

    source: Source
    warning: str | None
    samples: dict[str, Sample]


def exploration_page(contract: Contract, table: Table, *, made: bool = False) -> str:
    """What is in a validated training table, whole or in pieces, as an HTML page; `made`: nobody observed its rows.

    Raises `InvalidTable` if it breaks the contract.
    """
    summary = summarise(contract, table)
    source = contract.training.made if made and contract.training.made else contract.training
    return _render(
        contract,
        heading="Exploration",
        made=made,
        summary=summary,
        table_sha256=source.sha256,
        figures=explored(summary),
        evaluation=None,
    )


def report_page(contract: Contract, table: Table, evaluation: Evaluation, facts: ReportFacts) -> str:
    """What is in a validated training table and what its models can do, as an HTML page.

    `table` is the whole table, before the split, at once or in pieces. Raises `InvalidTable` if it breaks the contract.
    """
    summary = summarise(contract, table)
    selection = evaluation.selection
    winner = evaluation.candidate(selection.winner) if selection else None
    refusals: dict[str, list[Refusal]] = {}
    for refusal in selection.refused if selection else ():
        refusals.setdefault(refusal.candidate, []).append(refusal)
    labels, threshold = contract.target.labels, contract.decision.threshold
    return _render(
        contract,
        heading="Training report",
        made=evaluation.made,
        summary=summary,
        table_sha256=facts.table_sha256,
        figures={**explored(summary), **evaluated(contract, evaluation)},
        evaluation=evaluation,
        winner=winner,
        refusals=refusals,
        sites=_sites(contract, evaluation),
        slices=shown_slices(contract, winner) if winner else [],
        sliced_rows=min(MOST_SLICED, evaluation.training_rows),
        facts=facts,
        threshold_rule=wording.threshold_rule(threshold, labels) if threshold else None,
        held_out_warning=wording.small_class(evaluation.candidates[0].held_out, labels),
    )


def _sites(contract: Contract, evaluation: Evaluation) -> list[Site]:
    sites = []
    for name in evaluated_sites(contract, evaluation):
        samples = {item.name: item.external[name] for item in evaluation.candidates if name in item.external}
        warning = wording.small_class(next(iter(samples.values())), contract.target.labels)
        sites.append(Site(contract.external[name], warning, samples))
    return sites


def _columns(metrics: Iterable[str], estimates: Iterable[dict[str, Estimate]]) -> list[str]:
    """The metrics that at least one of these has."""
    known = {name for item in estimates for name in item}
    return [name for name in metrics if name in known]


def _plain(value: float) -> str:
    """Three decimals and a real minus, which no dash of a range can be mistaken for."""
    return f"{value:.3f}".replace("-", MINUS)


def _render(contract: Contract, **context: object) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        contract=contract,
        wording=wording,
        METRICS=wording.shown_metrics(contract, METRICS),
        CANDIDATE_METRICS=wording.shown_metrics(contract, CANDIDATE_METRICS),
        EXTERNAL_METRICS=wording.shown_metrics(contract, EXTERNAL_METRICS),
        SUBSET_METRICS=subset_metrics(contract),
        LOWER_IS_BETTER=LOWER_IS_BETTER,
        columns=_columns,
        plain=_plain,
    )
    return environment.get_template("report.html").render(context)
