import json
from pathlib import Path
from typing import Any

import pytest

from local.errors import MissingOutput
from local.outputs import Outputs, TaskRecord, write_records


def execute(directory: Path, task: str, artifacts: dict[str, str], parameters: dict[str, Any]) -> None:
    """Leave what KFP's executor leaves of a task."""
    root = directory / "artifacts" / "demo-2026-08-01-12-00-00-000000" / task
    root.mkdir(parents=True)
    for name, content in artifacts.items():
        (root / name).write_text(content)
    (root / "executor_output.json").write_text(json.dumps({"parameterValues": parameters}))


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    execute(tmp_path, "read-table", {"table": "rows"}, {"Output": 303})
    for index in range(11):
        execute(tmp_path, f"for-loop-1-iteration-{index}/train", {"model": str(index)}, {"Output": index / 10})
    return Outputs.at(tmp_path)


def test_finds_an_artifact_and_a_parameter_also_by_the_name_of_the_function(outputs: Outputs) -> None:
    assert outputs.artifact("read-table", "table").read_text() == "rows"
    assert outputs.artifact("read_table", "table").read_text() == "rows"
    assert outputs.parameter("read_table") == 303


def test_returns_iterations_in_their_order(outputs: Outputs) -> None:
    assert [path.read_text() for path in outputs.artifacts("train", "model")] == [str(index) for index in range(11)]
    assert outputs.parameters("train") == [index / 10 for index in range(11)]


def test_refuses_to_choose_among_iterations(outputs: Outputs) -> None:
    with pytest.raises(MissingOutput, match=r"11 outputs 'train/model', one for each iteration: use artifacts\(\)"):
        outputs.artifact("train", "model")
    with pytest.raises(MissingOutput, match=r"use parameters\(\)"):
        outputs.parameter("train")


@pytest.mark.parametrize(("component", "output"), [("train", "table"), ("absent", "model"), ("read_table", "model")])
def test_names_what_exists_when_an_output_is_missing(outputs: Outputs, component: str, output: str) -> None:
    with pytest.raises(MissingOutput) as raised:
        outputs.artifact(component, output)

    assert f"no output '{component}/{output}'" in str(raised.value)
    assert str(raised.value).endswith("It has: read-table/Output, read-table/table, train/Output, train/model.")
    with pytest.raises(MissingOutput):
        outputs.parameter(component, output)


def test_says_when_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(MissingOutput, match="There is no run in"):
        Outputs.at(tmp_path / "nowhere")


def test_reads_the_records_that_a_run_wrote(tmp_path: Path, outputs: Outputs) -> None:
    assert outputs.tasks == ()
    records = (
        TaskRecord("Train · svm", "train", "done", 2, 1.25, 180.5, "train-svm.log"),
        TaskRecord("Report", "report", "stopped", 1, 0.5, None, "report.log"),
    )
    (tmp_path / "logs").mkdir()
    write_records(tmp_path, records)

    assert Outputs.at(tmp_path).tasks == records
