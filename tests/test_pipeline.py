"""The pipeline as a graph, and as a whole run."""

from __future__ import annotations

import shutil
import socket
from html.parser import HTMLParser
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from compilation.lint import findings
from compilation.spec import CompiledPipeline, CompiledTask
from components.learning.candidates import CANDIDATES
from components.learning.evaluation import METRICS, Evaluation
from contract.bundle import verify
from pipeline import BOOSTING
from pipeline import CANDIDATES as COMPETING
from tests.conftest import HEART, PROJECT, FinishedRun, pipeline

GOLDEN = PROJECT / "tests" / "golden"
DATASETS = sorted(path.parent.name for path in PROJECT.glob("datasets/*/contract.yaml"))


@pytest.fixture(scope="module")
def tasks() -> dict[str, CompiledTask]:
    """The tasks of the golden pipeline, by the stages that they run."""
    return {task.stage: task for task in CompiledPipeline.read(GOLDEN / "heart.yaml").containers}


@pytest.mark.parametrize(
    ("golden", "arguments"),
    [("score", ("--pipeline", "score")), *((name, ("--dataset", name)) for name in DATASETS)],
)
def test_it_compiles_to_the_golden_yaml(tmp_path: Path, golden: str, arguments: tuple[str, ...]) -> None:
    seed = str(len(golden))  # another for each: no order of a set or a dictionary may show
    done = pipeline("compile", *arguments, "--output", str(tmp_path / "it.yaml"), PYTHONHASHSEED=seed)
    assert done.returncode == 0, done.stderr
    command = f"python pipeline.py compile {' '.join(arguments)} --output tests/golden/{golden}.yaml"
    assert (tmp_path / "it.yaml").read_text() == (GOLDEN / f"{golden}.yaml").read_text(), (
        f"the pipeline has changed; if that is meant: {command}"
    )


def test_every_golden_yaml_keeps_the_rules_of_a_cluster() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == {"score", *DATASETS}
    for path in GOLDEN.glob("*.yaml"):
        assert findings(CompiledPipeline.read(path), allow_tag=True) == [], path.name


def test_every_stage_has_a_task_with_a_name_for_people(tasks: dict[str, CompiledTask]) -> None:
    assert len(tasks) == 14
    named = {task.title for task in tasks.values()}
    assert {"Ingest", "Validate", "Train", "Cross-validate", "Register", "Publish"} <= named


@pytest.mark.parametrize("name", ["split", "train", "evaluate", "package"])
def test_what_only_computes_may_be_cached(tasks: dict[str, CompiledTask], name: str) -> None:
    assert tasks[name].spec.caching_options.enable_cache


def test_training_waits_for_validation_and_for_mlflow(tasks: dict[str, CompiledTask]) -> None:
    assert {"validate", "check-tracking"} <= set(tasks["split"].spec.dependent_tasks)


def test_only_what_judges_sees_the_held_out_rows(tasks: dict[str, CompiledTask]) -> None:
    seen = {name for name, task in tasks.items() if "held_out" in str(task.spec.inputs)}
    assert seen == {"evaluate", "ablate", "publish"}


def test_every_candidate_competes_that_needs_no_extra_library() -> None:
    assert [name for name, candidate in CANDIDATES.items() if candidate.requires is None] == COMPETING
    assert [name for name, candidate in CANDIDATES.items() if candidate.requires] == BOOSTING


def test_a_run_leaves_what_people_look_for(finished: FinishedRun) -> None:
    assert verify(finished.bundle).name == "heart"
    assert (finished.runs / "latest").resolve() == finished.directory
    assert (finished.directory / "pipeline.yaml").read_text() == (GOLDEN / "heart.yaml").read_text()
    logs = {path.name for path in (finished.directory / "logs").iterdir()}
    assert {"ingest.log", "train-random-forest.log", "cross-validate-logistic-regression.log", "publish.log"} <= logs


def test_a_run_says_what_it_came_to(finished: FinishedRun) -> None:
    for words in ("Logistic regression", "Random forest", "±", "Winner", "report.html", "make serve", "first champion"):
        assert words in finished.printed
    assert "\x1b" not in finished.printed


def test_the_report_is_one_page_that_needs_nothing_else(finished: FinishedRun) -> None:
    loaded: list[str] = []

    class Page(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            loaded.extend(value or "" for name, value in attrs if name == "src" or (tag == "link" and name == "href"))

    text = (finished.directory / "report.html").read_text()
    Page().feed(text)
    assert loaded == []
    assert "Switzerland" in text or "Zurich" in text


def test_a_run_is_in_mlflow_with_a_nested_run_for_each_candidate(finished: FinishedRun) -> None:
    client = MlflowClient(finished.tracking_uri)
    experiment = client.get_experiment_by_name("heart")
    assert experiment
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    parent = next(run for name, run in runs.items() if str(name).startswith("heart "))
    for name in ("logistic-regression", "random-forest"):
        assert runs[name].data.tags["mlflow.parentRunId"] == parent.info.run_id
        for metric in METRICS:
            assert {f"cv_{metric}", f"cv_{metric}_low", f"cv_{metric}_high"} <= set(runs[name].data.metrics)
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_the_published_version_is_the_champion_and_carries_the_digest(finished: FinishedRun) -> None:
    client = MlflowClient(finished.tracking_uri)
    champion = client.get_model_version_by_alias("heart", "champion")
    assert champion.tags["digest"] == verify(finished.bundle).digest
    assert client.get_model_version_by_alias("heart", "challenger").version == champion.version


def test_the_bundle_holds_every_number_with_its_interval(finished: FinishedRun) -> None:
    evaluation = Evaluation.model_validate_json((finished.bundle / "evaluation.json").read_bytes())
    assert evaluation.selection
    for candidate in evaluation.candidates:
        for estimates in (
            candidate.resampled.estimates,
            candidate.held_out.estimates,
            candidate.external["va"].estimates,
        ):
            assert set(estimates) == set(METRICS)
            assert all(estimate.low <= estimate.value <= estimate.high for estimate in estimates.values())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A copy of the heart table whose data may be changed: the contract's checksums are gone."""
    folder = tmp_path / "table"
    shutil.copytree(HEART, folder)
    contract = folder / "contract.yaml"
    lines = contract.read_text().splitlines(keepends=True)
    contract.write_text("".join(line for line in lines if not line.strip().startswith("sha256:")))
    return folder


def test_a_broken_table_stops_the_run_with_the_real_error(table: Path, tmp_path: Path) -> None:
    rows = (table / "cleveland.csv").read_text().splitlines(keepends=True)
    rows[1] = rows[1].replace("63,1,1,", "63,1,0,")
    (table / "cleveland.csv").write_text("".join(rows))
    run = tmp_path / "run"
    done = pipeline("run", str(table), "--output", str(run), CONCORD_RUNS=str(tmp_path / "runs"))
    assert done.returncode == 1
    for words in ("InvalidTable", "line 2, cp", "unknown-category", "1 (typical angina)", "logs/validate.log"):
        assert words in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not list((run / "logs").glob("train-*"))


def test_a_changed_file_is_refused_by_its_checksum(table: Path, tmp_path: Path) -> None:
    shutil.copy(HEART / "contract.yaml", table)
    with (table / "cleveland.csv").open("a") as file:
        file.write("63,1,1,145,233,1,2,150,0,2.3,3,0,6,0\n")
    done = pipeline("run", str(table), "--output", str(tmp_path / "run"), CONCORD_RUNS=str(tmp_path / "runs"))
    assert done.returncode == 1
    assert "cleveland.csv: is not the file that the contract names" in done.stderr


def test_without_mlflow_nothing_is_trained(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}"
    run = tmp_path / "run"
    done = pipeline(
        "run", "heart", "--output", str(run), CONCORD_RUNS=str(tmp_path / "runs"), MLFLOW_TRACKING_URI=closed
    )
    assert done.returncode == 1
    assert f"MLflow at {closed} can't be used" in done.stderr
    assert "MLFLOW_TRACKING_URI" in done.stderr
    assert not [path for path in (run / "logs").iterdir() if path.name.startswith(("train", "split"))]
