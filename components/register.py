"""Register: the run, its candidates and its bundle in MLflow, and a registry version that challenges the champion."""

from typing import TYPE_CHECKING, NamedTuple

from kfp import dsl

from components.image import component

if TYPE_CHECKING:
    from components.tracking.registration import Registered


@component
def check_tracking(experiment: str) -> str:
    """Makes sure that MLflow can be reached, before anything is trained.

    Args:
        experiment: The experiment that the run will be logged to.

    Returns:
        Where MLflow is.
    """
    from components.tracking.client import check

    return check(experiment)


@component
def register(
    experiment: str,
    run_id: str,
    code_revision: str,
    contract: dsl.Input[dsl.Artifact],
    selected: dsl.Input[dsl.Artifact],
    parity: dsl.Input[dsl.Artifact],
    exploration: dsl.Input[dsl.HTML],
    report: dsl.Input[dsl.HTML],
    bundle: dsl.Input[dsl.Model],
) -> NamedTuple("Registered", [("mlflow_run", str), ("version", str)]):  # type: ignore[valid-type]
    """Logs the run with all its candidates to MLflow and registers the bundle as the challenger.

    Args:
        experiment: The experiment.
        run_id: The id of this run.
        code_revision: The revision of the code.
        contract: The contract.
        selected: All numbers, with the selection.
        parity: The parity of every candidate.
        exploration: The table's page.
        report: The run's report.
        bundle: The winner's bundle.

    Returns:
        The id of the MLflow run, and the version in the registry.
    """
    from components.register import run

    return run(experiment, run_id, code_revision, contract, selected, parity, exploration, report, bundle)


def run(
    experiment: str,
    run_id: str,
    code_revision: str,
    contract: dsl.Artifact,
    selected: dsl.Artifact,
    parity: dsl.Artifact,
    exploration: dsl.Artifact,
    report: dsl.Artifact,
    bundle: dsl.Artifact,
) -> "Registered":
    """What the component does."""
    from pathlib import Path

    from components.learning.evaluation import Evaluation
    from components.packaging.parity import ParityReport
    from components.tracking.client import connection
    from components.tracking.registration import Record, register_run
    from contract.bundle import verify
    from contract.document import load_contract

    record = Record(
        contract=load_contract(contract.path),
        evaluation=Evaluation.model_validate_json(Path(selected.path).read_bytes()),
        parity=ParityReport.model_validate_json(Path(parity.path).read_bytes()),
        manifest=verify(Path(bundle.path)),
        run_id=run_id,
        code_revision=code_revision,
    )
    pages = {"exploration.html": Path(exploration.path), "report.html": Path(report.path)}
    with connection() as client:
        return register_run(client, experiment, record, Path(bundle.path), pages)
