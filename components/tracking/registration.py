"""What of a run goes where in MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from components.learning.evaluation import METRICS
from components.reporting.curve_figures import calibration, calibration_by_class, curves, curves_by_class
from components.reporting.evaluation_figures import confusion_matrices
from components.reporting.figures import to_svg
from components.reporting.summary import MOST_CLASSES
from components.reporting.wording import MADE
from components.tracking.client import keep, log, nested_run, pipeline_run, register_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mlflow.tracking import MlflowClient

    from components.learning.evaluation import CandidateEvaluation, Estimate, Evaluation
    from components.packaging.parity import ParityReport
    from contract.bundle import Manifest
    from contract.schema import Contract


class Registered(NamedTuple):
    """Where the tracker keeps what was registered."""

    mlflow_run: str
    version: str


@dataclass(frozen=True)
class Record:
    """A run, ready to be logged."""

    contract: Contract
    evaluation: Evaluation
    parity: ParityReport
    manifest: Manifest
    run_id: str
    code_revision: str


def register_run(
    client: MlflowClient, experiment: str, record: Record, bundle: Path, pages: Mapping[str, Path]
) -> Registered:
    """Log the run with a nested run for each candidate, then register the bundle as the challenger.

    `pages` are kept among the run's artifacts, each under its name.
    """
    selection = record.evaluation.selection
    if selection is None:
        raise ValueError("a run is registered after its selection")
    contract, manifest = record.contract, record.manifest
    run_tags = {
        "dataset": contract.name,
        "winner": selection.winner,
        "pipeline_run": record.run_id,
        "code_revision": record.code_revision,
        "made": _yes_or_no(made=record.evaluation.made),
    }
    version_tags = {
        "digest": manifest.digest,
        "candidate": selection.winner,
        "bundle_version": manifest.version,
        "data_sha256": manifest.data_sha256,
        "contract_digest": manifest.contract_digest,
        "made": _yes_or_no(made=record.evaluation.made),
    }
    description = f"{contract.title}. {selection.reason}"
    if record.evaluation.made:
        description = f"{MADE} {description}"
    with pipeline_run(client, experiment, f"{contract.name} {manifest.version}", run_tags) as run:
        winner = record.evaluation.candidate(selection.winner)
        log(client, run, _run_parameters(record), {**_metrics(winner), **_without_suspects(record.evaluation)})
        texts = {name: path.read_text(encoding="utf-8") for name, path in pages.items()}
        keep(client, run, {**texts, "evaluation.json": record.evaluation.model_dump_json(indent=2)})
        for candidate in record.evaluation.candidates:
            with nested_run(client, run, candidate.name, {"model_type": candidate.title}) as nested:
                _log_candidate(client, nested, record, candidate)
        version = register_bundle(client, contract.name, run, bundle, tags=version_tags, description=description)
    return Registered(run, version)


def _log_candidate(client: MlflowClient, run: str, record: Record, candidate: CandidateEvaluation) -> None:
    parity = record.parity.of(candidate.name)
    facts = {
        **({} if candidate.threshold is None else {"threshold": candidate.threshold}),
        "fitted_rows": candidate.fitted_rows,
        "complexity": candidate.complexity,
        "cv_repeats": candidate.resampled.repeats,
        "cv_folds": candidate.resampled.folds,
    }
    extra = {
        "seconds": candidate.seconds,
        "parity_largest_difference": parity.largest_difference,
        "parity_flipped": float(parity.flipped),
    }
    log(client, run, {**candidate.parameters, **facts}, {**_metrics(candidate), **extra})
    keep(client, run, {**_plots(record.contract, candidate), "evaluation.json": candidate.model_dump_json(indent=2)})


def _plots(contract: Contract, candidate: CandidateEvaluation) -> dict[str, str]:
    """One candidate's figures as SVG files, by path."""
    target = contract.target
    drawn = {
        "curves": (curves([candidate], None), "ROC and precision-recall curves on the held-out rows"),
        "calibration": (calibration([candidate], target.positive), "calibration curve of out-of-fold predictions"),
        "confusion_matrix": (
            confusion_matrices([candidate], target.labels),
            "confusion matrix on the held-out rows",
        ),
    }
    if not target.is_binary:
        shown = range(min(len(target.labels), MOST_CLASSES))
        drawn["curves_by_class"] = (
            curves_by_class(candidate, target.labels, shown),
            "ROC and precision-recall curves on the held-out rows, by class",
        )
        drawn["calibration_by_class"] = (
            calibration_by_class(candidate, target.labels, shown),
            "calibration curves of out-of-fold predictions, by class",
        )
    return {
        f"plots/{name}.svg": to_svg(figure, f"{candidate.title}: {description}")
        for name, (figure, description) in drawn.items()
    }


def _run_parameters(record: Record) -> dict[str, object]:
    evaluation, contract = record.evaluation, record.contract
    threshold = contract.decision.threshold
    rule = "most probable class"
    if threshold:
        rule = threshold.rule if threshold.value is None else f"{threshold.rule} {threshold.value:g}"
    suspects = {"suspects": ", ".join(contract.suspects)} if contract.suspects else {}
    return {
        "dataset": contract.name,
        "data_sha256": evaluation.data_sha256,
        "contract_digest": evaluation.contract_digest,
        "effort": evaluation.effort,
        "training_rows": evaluation.training_rows,
        "held_out_rows": evaluation.held_out_rows,
        "n_features": len(contract.features),
        "split_method": contract.split.method,
        "split_seed": contract.split.seed,
        "selection_metric": contract.decision.metric,
        "classes": ", ".join(contract.target.labels),
        "threshold_rule": rule,
        "candidates": ", ".join(candidate.name for candidate in evaluation.candidates),
        **suspects,
    }


def _metrics(candidate: CandidateEvaluation) -> dict[str, float]:
    """Every number with both ends of its interval: `cv_roc_auc`, `cv_roc_auc_low`, `cv_roc_auc_high`."""
    found = {**_named("cv", candidate.resampled.estimates), **_named("held_out", candidate.held_out.estimates)}
    for site, sample in candidate.external.items():
        found |= _named(f"external_{site}", sample.estimates)
    return found


def _without_suspects(evaluation: Evaluation) -> dict[str, float]:
    """The same of the winner's kind of model without the features that may know the answer, if that was measured."""
    if evaluation.ablation is None:
        return {}
    resampled, held_out = evaluation.ablation.resampled, evaluation.ablation.held_out
    return {
        **_named("without_suspects_cv", resampled.estimates),
        **_named("without_suspects_held_out", held_out.estimates),
    }


def _named(prefix: str, estimates: Mapping[str, Estimate]) -> dict[str, float]:
    found: dict[str, float] = {}
    for metric in METRICS:
        if metric in estimates:
            item, name = estimates[metric], f"{prefix}_{metric}"
            found |= {name: item.value, f"{name}_low": item.low, f"{name}_high": item.high}
    return found


def _yes_or_no(*, made: bool) -> str:
    """As a tag, which is text."""
    return "true" if made else "false"
