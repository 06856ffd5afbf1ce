from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from components.errors import TrackingUnreachable
from components.learning.evaluation import METRICS
from components.packaging.parity import ParityReport
from components.reporting.wording import MADE
from components.tracking.client import (
    ARTIFACT_LOCATION,
    BUNDLE,
    CHALLENGER,
    CHAMPION,
    connection,
    experiment_id,
    version_with_alias,
)
from components.tracking.registration import Record, register_run
from contract.bundle import load_bundle, verify
from tests.components.artifacts import Artifacts
from tests.components.evaluations import evaluate, iris_table, with_suspects

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

    from components.learning.evaluation import CandidateEvaluation, Estimate
    from components.tracking.registration import Registered
    from tests.conftest import FinishedRun


@pytest.fixture
def record(finished: FinishedRun) -> Record:
    artifacts = Artifacts(finished)
    return Record(
        contract=artifacts.contract,
        evaluation=artifacts.evaluation,
        parity=artifacts.parity,
        manifest=verify(finished.bundle),
        run_id="run-42",
        code_revision="0f3c9d1",
    )


@pytest.fixture
def pages(finished: FinishedRun) -> dict[str, Path]:
    return {"report.html": Artifacts(finished).path("report", "page")}


def register(client: MlflowClient, record: Record, finished: FinishedRun, pages: dict[str, Path]) -> Registered:
    return register_run(client, "registration", record, finished.bundle, pages)


def expected(prefix: str, estimates: dict[str, Estimate]) -> dict[str, float]:
    found: dict[str, float] = {}
    for metric in METRICS:
        if metric not in estimates:
            continue
        item = estimates[metric]
        name = f"{prefix}_{metric}"
        found |= {name: item.value, f"{name}_low": item.low, f"{name}_high": item.high}
    return found


def every_metric(candidate: CandidateEvaluation) -> dict[str, float]:
    found = expected("cv", candidate.resampled.estimates) | expected("held_out", candidate.held_out.estimates)
    for site, sample in candidate.external.items():
        found |= expected(f"external_{site}", sample.estimates)
    return found


def children(client: MlflowClient, parent: str) -> dict[str, Run]:
    runs = client.search_runs(
        [experiment_id(client, "registration")], filter_string=f"tags.mlflow.parentRunId = '{parent}'"
    )
    return {run.info.run_name: run for run in runs}


def test_a_run_is_logged_with_a_nested_run_for_each_candidate(
    client: MlflowClient, record: Record, finished: FinishedRun, pages: dict[str, Path], tmp_path: Path
) -> None:
    registered = register(client, record, finished, pages)
    selection = record.evaluation.selection
    assert selection is not None

    parent = client.get_run(registered.mlflow_run)
    assert parent.info.status == "FINISHED"
    assert parent.info.run_name == f"heart {record.manifest.version}"
    tags = {"dataset": "heart", "winner": selection.winner, "pipeline_run": "run-42", "code_revision": "0f3c9d1"}
    tags["made"] = "false"
    assert tags.items() <= parent.data.tags.items()
    assert parent.data.metrics == pytest.approx(every_metric(record.evaluation.candidate(selection.winner)))
    parameters = parent.data.params
    assert parameters["data_sha256"] == record.contract.training.sha256
    assert parameters["contract_digest"] == record.contract.digest
    assert parameters["threshold_rule"] == "sensitivity_at_least 0.9"
    assert parameters["candidates"] == "logistic-regression, random-forest"
    assert (parameters["training_rows"], parameters["held_out_rows"], parameters["n_features"]) == ("242", "61", "13")

    runs = children(client, registered.mlflow_run)
    assert set(runs) == {candidate.name for candidate in record.evaluation.candidates}
    for candidate in record.evaluation.candidates:
        run = runs[candidate.name]
        assert run.info.status == "FINISHED"
        assert run.data.tags["model_type"] == candidate.title
        given = {name: str(value) for name, value in candidate.parameters.items()}
        assert given.items() <= run.data.params.items()
        assert float(run.data.params["threshold"]) == candidate.threshold
        assert run.data.params["cv_folds"] == "3"
        assert run.data.params["fitted_rows"] == "242"
        assert every_metric(candidate).items() <= run.data.metrics.items()
        parity = record.parity.of(candidate.name)
        assert run.data.metrics["parity_largest_difference"] == parity.largest_difference
        assert run.data.metrics["parity_flipped"] == 0
        drawn = Path(client.download_artifacts(run.info.run_id, "plots", str(tmp_path)))
        assert {path.name for path in drawn.iterdir()} == {"curves.svg", "calibration.svg", "confusion_matrix.svg"}
        for path in drawn.iterdir():
            figure = ElementTree.parse(path).getroot()
            assert figure.tag == "{http://www.w3.org/2000/svg}svg"
            assert candidate.title in figure.attrib["aria-label"]

    kept = {item.path for item in client.list_artifacts(registered.mlflow_run)}
    assert kept == {"report.html", "evaluation.json", BUNDLE}
    page = Path(client.download_artifacts(registered.mlflow_run, "report.html", str(tmp_path)))
    assert page.read_bytes() == pages["report.html"].read_bytes()


def test_the_bundle_becomes_a_version_that_challenges_and_never_the_champion(
    client: MlflowClient, record: Record, finished: FinishedRun, pages: dict[str, Path], tmp_path: Path
) -> None:
    first = register(client, record, finished, pages)
    challenger = version_with_alias(client, "heart", CHALLENGER)
    assert challenger is not None
    assert str(challenger.version) == first.version
    assert challenger.run_id == first.mlflow_run
    assert challenger.tags == {
        "digest": record.manifest.digest,
        "candidate": record.manifest.candidate,
        "bundle_version": record.manifest.version,
        "data_sha256": record.manifest.data_sha256,
        "contract_digest": record.manifest.contract_digest,
        "made": "false",
    }
    assert record.evaluation.selection is not None
    assert record.evaluation.selection.reason in str(challenger.description)
    assert version_with_alias(client, "heart", CHAMPION) is None
    fetched = load_bundle(client.download_artifacts(first.mlflow_run, BUNDLE, str(tmp_path)))
    assert fetched.manifest == record.manifest

    client.set_registered_model_alias("heart", CHAMPION, first.version)
    second = register(client, record, finished, pages)
    now = {alias: version_with_alias(client, "heart", alias) for alias in (CHALLENGER, CHAMPION)}
    assert {alias: str(version and version.version) for alias, version in now.items()} == {
        CHALLENGER: second.version,
        CHAMPION: first.version,
    }
    assert second.version != first.version
    client.delete_registered_model_alias("heart", CHAMPION)


def test_a_run_begun_by_the_surroundings_holds_it_all(
    client: MlflowClient,
    record: Record,
    finished: FinishedRun,
    pages: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    preset = client.create_run(experiment_id(client, "registration")).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", preset)
    registered = register(client, record, finished, pages)
    assert registered.mlflow_run == preset
    assert client.get_run(preset).info.status == "RUNNING"
    assert client.get_run(preset).data.tags["pipeline_run"] == "run-42"
    assert set(children(client, preset)) == {"logistic-regression", "random-forest"}


@pytest.mark.usefixtures("database")
def test_made_rows_suspects_and_a_budget_are_on_record(
    record: Record, finished: FinishedRun, pages: dict[str, Path]
) -> None:
    contract, found = with_suspects(record.contract, record.evaluation, ("ca", "thal"))
    without = found.ablation
    assert without is not None
    short = tuple(item.model_copy(update={"fitted_rows": 100}) for item in found.candidates)
    found = found.model_copy(update={"made": True, "candidates": short})
    made = Record(**{**vars(record), "contract": contract, "evaluation": found})
    with connection() as client:
        registered = register(client, made, finished, pages)
        run = client.get_run(registered.mlflow_run)
        assert run.data.tags["made"] == "true"
        assert run.data.params["suspects"] == "ca, thal"
        expected_metrics = expected("without_suspects_cv", without.resampled.estimates)
        expected_metrics |= expected("without_suspects_held_out", without.held_out.estimates)
        assert expected_metrics.items() <= run.data.metrics.items()
        version = version_with_alias(client, "heart", CHALLENGER)
        assert version is not None
        assert version.tags["made"] == "true"
        assert str(version.description).startswith(MADE)
        for nested in children(client, registered.mlflow_run).values():
            assert nested.data.params["fitted_rows"] == "100"


@pytest.mark.usefixtures("database")
def test_three_classes_are_logged_with_a_curve_for_each(
    record: Record,
    finished: FinishedRun,
    pages: dict[str, Path],
    tmp_path: Path,
) -> None:
    iris, table = iris_table()
    species = evaluate(iris, table)
    parity = ParityReport(
        candidates=tuple(
            record.parity.candidates[0].model_copy(update={"candidate": item.name}) for item in species.candidates
        )
    )
    flowers = Record(**{**vars(record), "contract": iris, "evaluation": species, "parity": parity})
    assert species.selection is not None
    with connection() as client:
        registered = register(client, flowers, finished, pages)
        run = client.get_run(registered.mlflow_run)
        assert run.data.params["threshold_rule"] == "most probable class"
        assert run.data.params["classes"] == "setosa, versicolor, virginica"
        assert run.data.metrics == pytest.approx(every_metric(species.candidate(species.selection.winner)))
        assert "cv_specificity_at_sensitivity" not in run.data.metrics
        nested = children(client, registered.mlflow_run)["forest"]
        assert "threshold" not in nested.data.params
        drawn = Path(client.download_artifacts(nested.info.run_id, "plots", str(tmp_path)))
    assert {path.stem for path in drawn.iterdir()} == {
        "curves",
        "calibration",
        "confusion_matrix",
        "curves_by_class",
        "calibration_by_class",
    }


@pytest.mark.usefixtures("database")
def test_nothing_challenges_if_artifacts_can_not_be_kept(
    record: Record,
    finished: FinishedRun,
    pages: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ARTIFACT_LOCATION, f"{finished.bundle.as_uri()}/model.onnx/below-a-file")
    with connection() as client:
        with pytest.raises(
            TrackingUnreachable, match=r"the artifact store of MLflow at .* failed to keep the artifacts"
        ):
            register(client, record, finished, pages)
        assert version_with_alias(client, "heart", CHALLENGER) is None
        (run,) = client.search_runs([experiment_id(client, "registration")])
    assert run.info.status == "FAILED"


def test_there_is_nothing_to_register_before_the_selection(
    database: str, record: Record, finished: FinishedRun, pages: dict[str, Path]
) -> None:
    undecided = Record(**{**vars(record), "evaluation": record.evaluation.model_copy(update={"selection": None})})
    with connection() as client, pytest.raises(ValueError, match="after its selection"):
        register(client, undecided, finished, pages)
