from typing import Any

import pytest

from submission.outline import Outlined, outline
from submission.package import Package


def test_the_pipelines_tasks_have_their_titles_and_a_loops_items(package: Package) -> None:
    found = outline(package.spec, {"candidates": ["svm", "extra-trees"]})
    assert found["ingest"] == Outlined("Ingest")
    assert found["train"] == Outlined("Train", ("svm", "extra-trees"))
    assert found["cross-validate"].label(1) == "Cross-validate · extra-trees"
    assert not [name for name in found if "loop" in name]


def test_without_parameters_the_defaults_hold(package: Package) -> None:
    assert outline(package.spec, {})["train"].items == tuple(package.default("candidates"))


@pytest.mark.parametrize(
    ("iterator", "label"),
    [
        ({"items": {"raw": '["a", "b"]'}}, "Score · b"),
        ({"items": {"inputParameter": "pipelinechannel--shards-Output"}}, "Score · 2"),
        ({"items": {"raw": f'["a", "{"x" * 41}"]'}}, "Score · 2"),
    ],
)
def test_an_item_that_isnt_known_or_too_long_is_a_number(iterator: dict[str, Any], label: str) -> None:
    spec = {
        "root": {"dag": {"tasks": {"for-loop-1": {"componentRef": {"name": "loop"}, "parameterIterator": iterator}}}},
        "components": {
            "loop": {"dag": {"tasks": {"score": {"componentRef": {"name": "c"}, "taskInfo": {"name": "Score"}}}}},
            "c": {"executorLabel": "exec"},
        },
    }
    assert outline(spec, {})["score"].label(1) == label
