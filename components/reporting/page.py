"""The report of a training run: one HTML page that needs nothing else, neither network, nor scripts, nor fonts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from components.learning.evaluation import METRIC_TITLES, METRICS
from components.reporting.exploration_figures import MOST_CATEGORIES
from components.reporting.figures import MINUS
from components.reporting.gallery import CHART_METRICS, SUBSET_METRICS, evaluated, evaluated_sites, explored
from components.reporting.summary import summarise
from contract.decision import LOWER_IS_BETTER
from contract.features import CategoricalFeature, allowed_values

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import pandas as pd

    from components.learning.evaluation import Estimate, Evaluation, Refusal, Sample, Slice
    from components.packaging.parity import Parity
    from contract.decision import Threshold
    from contract.features import Feature
    from contract.schema import Contract, Source

SMALL_CLASS = 20
"""Fewer rows of a class than this, and its sensitivity or specificity moves by more than .05 with each of them."""

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


def exploration_page(contract: Contract, table: pd.DataFrame) -> str:
    """What is in a validated training table, as an HTML page. Raises `InvalidTable` if it breaks the contract."""
    summary = summarise(contract, table)
    return _render(
        heading="Exploration",
        contract=contract,
        summary=summary,
        table_sha256=contract.training.sha256,
        figures=explored(summary),
        evaluation=None,
    )


def report_page(contract: Contract, table: pd.DataFrame, evaluation: Evaluation, facts: ReportFacts) -> str:
    """What is in a validated training table and what its models can do, as an HTML page.

    `table` is the whole table, before the split. Raises `InvalidTable` if it breaks the contract.
    """
    summary = summarise(contract, table)
    selection = evaluation.selection
    winner = evaluation.candidate(selection.winner) if selection else None
    refusals: dict[str, list[Refusal]] = {}
    for refusal in selection.refused if selection else ():
        refusals.setdefault(refusal.candidate, []).append(refusal)
    labels = contract.target.labels
    return _render(
        heading="Training report",
        contract=contract,
        summary=summary,
        table_sha256=facts.table_sha256,
        figures={**explored(summary), **evaluated(contract, evaluation)},
        evaluation=evaluation,
        winner=winner,
        refusals=refusals,
        sites=_sites(contract, evaluation),
        facts=facts,
        threshold_rule=_threshold_rule(contract.decision.threshold, labels),
        held_out_warning=small_class(evaluation.candidates[0].held_out, labels),
    )


def small_class(sample: Sample | Slice, labels: tuple[str, str]) -> str | None:
    """A warning if a sample has fewer than `SMALL_CLASS` rows of one class; `labels` are negative, positive."""
    few = [
        f"{count} of class “{label}”"
        for label, count in zip(labels, (sample.rows - sample.positives, sample.positives), strict=True)
        if count < SMALL_CLASS
    ]
    return f"Only {' and '.join(few)} among {sample.rows:,} rows: hardly determined." if few else None


def _sites(contract: Contract, evaluation: Evaluation) -> list[Site]:
    sites = []
    for name in evaluated_sites(contract, evaluation):
        samples = {item.name: item.external[name] for item in evaluation.candidates if name in item.external}
        warning = small_class(next(iter(samples.values())), contract.target.labels)
        sites.append(Site(contract.external[name], warning, samples))
    return sites


def _threshold_rule(threshold: Threshold, labels: tuple[str, str]) -> str:
    negative, positive = labels
    match threshold.rule:
        case "sensitivity_at_least":
            return f"the highest that still finds {100 * threshold.value:g} % of {positive} out of fold"
        case "specificity_at_least":
            return f"the lowest that clears {100 * threshold.value:g} % of {negative} out of fold"
        case "fixed":
            return f"fixed at {threshold.value:g} by the contract"


def _columns(metrics: Iterable[str], estimates: Iterable[dict[str, Estimate]]) -> list[str]:
    """The metrics that at least one of these has."""
    known = {name for item in estimates for name in item}
    return [name for name in metrics if name in known]


def _metric_title(name: str, threshold: Threshold | None = None) -> str:
    if name == "specificity_at_sensitivity" and threshold and threshold.rule == "sensitivity_at_least":
        return f"specificity at {100 * threshold.value:g} % sensitivity"
    return METRIC_TITLES.get(name, name)


def _plain(value: float) -> str:
    """Three decimals and a real minus, which no dash of a range can be mistaken for."""
    return f"{value:.3f}".replace("-", MINUS)


def _values(feature: Feature) -> str:
    if isinstance(feature, CategoricalFeature):
        shown = [f"{item.value} {item.label}" for item in feature.categories[:MOST_CATEGORIES]]
        hidden = len(feature.categories) - len(shown)
        return ", ".join([*shown, f"and {hidden:,} more"] if hidden else shown)
    return allowed_values(feature.model_copy(update={"missing": type(feature.missing)()}))


def _render(**context: object) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        METRICS=METRICS,
        CANDIDATE_METRICS=CANDIDATE_METRICS,
        EXTERNAL_METRICS=EXTERNAL_METRICS,
        SUBSET_METRICS=SUBSET_METRICS,
        LOWER_IS_BETTER=LOWER_IS_BETTER,
        columns=_columns,
        plain=_plain,
        metric_title=_metric_title,
        values_of=_values,
        small_class=small_class,
    )
    return environment.get_template("report.html").render(context)
