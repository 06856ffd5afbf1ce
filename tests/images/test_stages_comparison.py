from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from contract.bundle import Golden, GoldenRequests, seal, verify
from images.stages.comparison import Comparison, Fact, Finished, arrays, compare, differences, largest_difference
from images.stages.errors import RunIncomplete
from images.stages.registry import registered
from images.stages.table import as_json, facts_table, stages_table
from local.outputs import Outputs
from tests.conftest import FinishedRun


@pytest.fixture
def copied(finished: FinishedRun, tmp_path: Path) -> Path:
    """The finished run again, for a test to change."""
    return shutil.copytree(finished.directory, tmp_path / "run", symlinks=True)


def change(run: Path, name: str, change_it: Callable[[Any], None]) -> None:
    """Change a JSON file of the run's bundle, and seal the bundle anew."""
    bundle = Outputs.at(run).artifact("package", "bundle")
    facts = verify(bundle).model_dump(exclude={"files", "digest", "format"})
    content = json.loads((bundle / name).read_bytes())
    change_it(content)
    (bundle / name).write_text(json.dumps(content))
    seal(bundle, facts)


def different(first: Path, second: Path) -> list[str]:
    return [fact.name for fact in compare(Finished.at(first), Finished.at(second)).different]


def golden(probability: float, label: str = "disease") -> GoldenRequests:
    probabilities = {"no disease": 1 - probability, "disease": probability}
    answered = Golden(title="one", instances=({"age": 67},), probabilities=(probabilities,), labels=(label,))
    refused = Golden(title="two", instances=({"age": 670},), refused="out-of-range")
    return GoldenRequests(format=1, tolerance=1e-6, requests=(answered, refused))


def test_a_run_is_the_same_as_its_copy(finished: FinishedRun, copied: Path) -> None:
    comparison = compare(Finished.at(finished.directory), Finished.at(copied))
    facts = {fact.name: fact for fact in comparison.facts}
    assert comparison.different == ()
    assert facts["Winner"].first == "logistic-regression"
    assert facts["Golden requests"].second == "max |Δp| = 0"
    assert facts["Evaluation and selection"].second == "the same"
    assert int(facts["Evaluation and selection"].first.partition(" ")[0].replace(",", "")) > 1000
    assert facts["Bundle: model.onnx"].same
    may_differ = {name for name, fact in facts.items() if fact.same is None}
    assert may_differ == {"Registered in MLflow", "Python", "Run", "Version", "Bundle's digest"}


def test_one_number_that_differs_is_named(finished: FinishedRun, copied: Path) -> None:
    def flip_a_bit(evaluation: dict[str, Any]) -> None:
        estimates = evaluation["candidates"][1]["held_out"]["estimates"]
        estimates["brier"]["value"] += 1e-16

    change(copied, "evaluation.json", flip_a_bit)
    comparison = compare(Finished.at(finished.directory), Finished.at(copied))
    [fact] = comparison.different
    assert fact.name == "Evaluation and selection"
    assert fact.second == "1 differ: candidates[1].held_out.estimates.brier.value …"


def test_seconds_may_differ(finished: FinishedRun, copied: Path) -> None:
    def slow_down(evaluation: dict[str, Any]) -> None:
        for candidate in evaluation["candidates"]:
            candidate["seconds"] += 100

    change(copied, "evaluation.json", slow_down)
    assert different(finished.directory, copied) == []


def test_another_threshold_differs_in_the_evaluation_and_in_what_is_served(finished: FinishedRun, copied: Path) -> None:
    def raise_it(content: dict[str, Any]) -> None:
        for holder in (content, *content.get("candidates", ())):
            if "threshold" in holder:
                holder["threshold"] += 0.25

    change(copied, "evaluation.json", raise_it)
    change(copied, "decision.json", raise_it)
    names = different(finished.directory, copied)
    assert names == ["Threshold", "Evaluation and selection", "Bundle: decision.json"]


def test_another_answer_to_a_golden_request_differs(finished: FinishedRun, copied: Path) -> None:
    def move(content: dict[str, Any]) -> None:
        probabilities = next(request["probabilities"] for request in content["requests"] if request["probabilities"])
        probabilities[0]["disease"] -= 1e-9

    change(copied, "golden.json", move)
    assert different(finished.directory, copied) == ["Golden requests", "Bundle: golden.json"]


def test_a_stage_that_is_missing_differs(finished: FinishedRun, copied: Path) -> None:
    records = copied / "logs" / "tasks.json"
    kept = [record for record in json.loads(records.read_text()) if record["component"] != "explore"]
    records.write_text(json.dumps(kept))
    assert different(finished.directory, copied) == ["Stages done"]


def test_a_run_that_didnt_end_isnt_compared(copied: Path) -> None:
    shutil.rmtree(next(copied.glob("artifacts/*/publish")))
    with pytest.raises(RunIncomplete, match=r"can't be compared: .* has no output 'publish/outcome'"):
        Finished.at(copied)


def test_a_bundle_that_was_changed_isnt_compared(copied: Path) -> None:
    bundle = Outputs.at(copied).artifact("package", "bundle")
    (bundle / "golden.json").write_text("{}")
    with pytest.raises(RunIncomplete, match=r"golden\.json"):
        Finished.at(copied)


def test_what_is_registered_is_the_runs_own_bundle(finished: FinishedRun, tmp_path: Path) -> None:
    for name in ("mlflow.db", "mlflow-artifacts"):
        (tmp_path / name.replace("mlflow-", "")).symlink_to(finished.runs / name)
    manifest = verify(finished.bundle)
    found = registered(tmp_path, manifest)
    assert found is not None
    assert found.version.isdecimal()
    assert found.runs >= 3
    with pytest.raises(RunIncomplete, match="isn't the bundle that the run made"):
        registered(tmp_path, manifest.model_copy(update={"digest": "0" * 64}))
    (tmp_path / "artifacts").unlink()
    with pytest.raises(RunIncomplete, match="isn't among the artifacts"):
        registered(tmp_path, manifest)
    assert registered(finished.directory, manifest) is None


def test_the_tables_say_what_each_run_came_to(finished: FinishedRun) -> None:
    run = Finished.at(finished.directory)
    comparison = Comparison((Fact("Winner", "svm", "svm", same=True), Fact("Brier", "0.1", "0.2", same=False)))
    console = Console(width=120, record=True)
    console.print(facts_table(comparison))
    console.print(stages_table(run, run, {"train": 2 * 2**30}))
    lines = console.export_text().splitlines()
    assert ["Winner", "svm", "svm", "✓"] in [line.split() for line in lines]
    assert ["Brier", "0.1", "0.2", "✗"] in [line.split() for line in lines]
    [train] = [line for line in lines if line.startswith("Train · random-forest")]
    assert train.rstrip().endswith("2,048 MiB")
    written = json.loads(as_json(comparison, run, run))
    assert written["same"] is False
    assert len(written["container"]) == len(run.tasks)


def test_differences_are_named_by_their_place() -> None:
    first = {"a": [1, {"b": 0.1}], "c": None, "seconds": 1, "d": float("nan")}
    second = {"a": [1, {"b": 0.2}], "c": 0, "seconds": 2, "d": float("nan")}
    assert sorted(differences(first, second)) == ["a[1].b", "c"]
    assert list(differences({"a": 1}, {"a": 1, "b": 2}, "there")) == ["there"]
    assert list(differences([1, 2], [1], "list")) == ["list"]
    assert list(differences(1, 1.0, "type")) == ["type"]


def test_the_largest_difference_is_of_the_same_requests() -> None:
    assert largest_difference(golden(0.75), golden(0.75)) == 0.0
    assert largest_difference(golden(0.75), golden(0.5)) == 0.25
    assert largest_difference(golden(0.75), golden(0.75, "no disease")) is None
    fewer = golden(0.75).model_copy(update={"requests": golden(0.75).requests[:1]})
    assert largest_difference(golden(0.75), fewer) is None


def test_a_kept_estimator_is_compared_by_its_arrays(finished: FinishedRun, tmp_path: Path) -> None:
    kept = finished.bundle / "model.skops"
    assert arrays(kept).total() > 0
    other = next(Outputs.at(finished.directory).artifacts("train", "model")[1].glob("*.skops"))
    assert arrays(kept) != arrays(other)
