"""What of a run goes where in MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from components.learning.evaluation import METRICS
from components.reporting.evaluation_figures import calibration, confusion_matrices, curves
from components.reporting.figures import to_svg
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
    }
    version_tags = {
        "digest": manifest.digest,
        "candidate": selection.winner,
        "bundle_version": manifest.version,
        "data_sha256": manifest.data_sha256,
        "contract_digest": manifest.contract_digest,
    }
    with pipeline_run(client, experiment, f"{contract.name} {manifest.version}", run_tags) as run:
        log(client, run, _run_parameters(record), _metrics(record.evaluation.candidate(selection.winner)))
        texts = {name: path.read_text(encoding="utf-8") for name, path in pages.items()}
        keep(client, run, {**texts, "evaluation.json": record.evaluation.model_dump_json(indent=2)})
        for candidate in record.evaluation.candidates:
            with nested_run(client, run, candidate.name, {"model_type": candidate.title}) as nested:
                _log_candidate(client, nested, record, candidate)
        version = register_bundle(
            client, contract.name, run, bundle, tags=version_tags, description=f"{contract.title}. {selection.reason}"
        )
    return Registered(run, version)


def _log_candidate(client: MlflowClient, run: str, record: Record, candidate: CandidateEvaluation) -> None:
    parity = record.parity.of(candidate.name)
    facts = {
        "threshold": candidate.threshold,
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
    title = candidate.title
    drawn = {
        "curves": (curves([candidate], None), f"{title}: ROC and precision-recall curves on the held-out rows"),
        "calibration": (
            calibration([candidate], contract.target.positive),
            f"{title}: calibration curve of out-of-fold predictions",
        ),
        "confusion_matrix": (
            confusion_matrices([candidate], contract.target.labels),
            f"{title}: confusion matrix on the held-out rows",
        ),
    }
    return {f"plots/{name}.svg": to_svg(figure, description) for name, (figure, description) in drawn.items()}


def _run_parameters(record: Record) -> dict[str, object]:
    evaluation, contract = record.evaluation, record.contract
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
        "threshold_rule": f"{contract.decision.threshold.rule} {contract.decision.threshold.value:g}",
        "candidates": ", ".join(candidate.name for candidate in evaluation.candidates),
    }


def _metrics(candidate: CandidateEvaluation) -> dict[str, float]:
    """Every number with both ends of its interval: `cv_roc_auc`, `cv_roc_auc_low`, `cv_roc_auc_high`."""
    found: dict[str, float] = {}

    def add(prefix: str, estimates: Mapping[str, Estimate]) -> None:
        for metric in METRICS:
            estimate = estimates[metric]
            name = f"{prefix}_{metric}"
            found.update({name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high})

    add("cv", candidate.resampled.estimates)
    add("held_out", candidate.held_out.estimates)
    for site, sample in candidate.external.items():
        add(f"external_{site}", sample.estimates)
    return found
