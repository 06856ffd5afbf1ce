# No `from __future__ import annotations`: KFP reads the annotations of components.
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from local.errors import InvalidArguments, PipelineUnsupported
from local.graph import Graph, Loop, Task, TaskId

Compile = Callable[[Any], Path]
OPTIONS: dict[str, Any] = {"base_image": "python:3.11", "install_kfp_package": False, "packages_to_install": []}


@dsl.component(**OPTIONS)
def listing() -> list[str]:
    return ["a", "b"]


@dsl.component(**OPTIONS)
def text(value: str) -> str:
    return value


@dsl.component(**OPTIONS)
def model(value: str, made: dsl.Output[dsl.Model]) -> None:
    Path(made.path).write_text(value)


@dsl.component(**OPTIONS)
def collect(models: dsl.Input[list[dsl.Model]]) -> None: ...


@dsl.component(**OPTIONS)
def report(status: dsl.PipelineTaskFinalStatus) -> None: ...


@dsl.pipeline(name="inner")
def inner(names: list[str]) -> None:
    with dsl.ParallelFor(names) as name:
        made = model(value=name).set_display_name("Train").set_retry(2)
    collect(models=dsl.Collected(made.outputs["made"])).set_display_name("Choose")


@dsl.pipeline(name="everything")
def everything(names: list[str] = ["one", "two_2"], choice: str = "yes") -> None:  # noqa: B006
    with dsl.ExitHandler(report()), dsl.If(choice == "yes"):
        text(value="late").set_display_name("Check").after(inner(names=names))


def read(package: Path, **arguments: object) -> Graph:
    return Graph.read(package.read_text(), arguments)


def test_lists_tasks_in_the_order_in_which_they_run(compiled: Compile) -> None:
    tasks = read(compiled(everything)).tasks

    assert [task.display_name for task in tasks] == ["Train", "Choose", "Check", "report"]
    assert [task.component for task in tasks] == ["model", "collect", "text", "report"]
    assert [task.attempts for task in tasks] == [3, 1, 1, 1]


def test_knows_a_loops_items_from_a_default_or_an_argument_of_the_pipeline(compiled: Compile) -> None:
    package = compiled(everything)

    for arguments, items in (({}, ["one", "two_2"]), ({"names": ["x"]}, ["x"])):
        train = read(package, **arguments).tasks[0]
        assert train.expected() == [TaskId("model", (index,)) for index in range(len(items))]
        assert [train.items(task.iterations, {}) for task in train.expected()] == [[item] for item in items]
    assert train.label(["two_2"]) == "Train · two 2"


def test_tells_which_parameters_the_pipeline_takes(compiled: Compile) -> None:
    assert read(compiled(everything)).parameters == {"names": "LIST", "choice": "STRING"}


def test_combines_nested_loops(compiled: Compile) -> None:
    @dsl.pipeline(name="nested")
    def nested(rows: list[str]) -> None:
        with dsl.ParallelFor(rows) as row, dsl.ParallelFor(["x", "y"]) as column:
            text(value=f"{row}{column}")

    task = read(compiled(nested), rows=["a", "b"]).tasks[0]

    names = [task.items(execution.iterations, {}) for execution in task.expected()]
    assert names == [["a", "x"], ["a", "y"], ["b", "x"], ["b", "y"]]


def test_learns_items_that_a_task_computes_only_from_the_execution(compiled: Compile) -> None:
    @dsl.pipeline(name="computed")
    def computed() -> None:
        with dsl.ParallelFor(listing().output) as item:
            text(value=item)

    task = read(compiled(computed)).tasks[1]

    assert task.expected() == [TaskId("text", None)]
    assert task.items(None, {}) == []
    assert task.items((1,), {"value": "b"}) == ["b"]


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ("svm", "svm"),
        ("two\nlines", "two lines"),
        (0.5, "0.5"),
        (3.0, "3"),
        ({"depth": 3, "algorithm": "svm"}, "svm"),
        ({"depth": 3}, "1"),
        ("x" * 41, "1"),
        ("", "1"),
        (None, "1"),
    ],
)
def test_names_items_shortly_or_by_their_number(item: object, name: str) -> None:
    task = Task("text", "Text", 1, (Loop("item", (item,)),), None)

    assert task.items((0,), {}) == [name]


def test_refuses_a_pipeline_whose_loop_would_get_wrong_parameters(compiled: Compile) -> None:
    @dsl.pipeline(name="misread")
    def misread(names: list[str]) -> None:
        before = text(value="constant")
        with dsl.ParallelFor(names) as name:
            model(value=name)
            text(value=before.output)

    with pytest.raises(PipelineUnsupported, match="output parameter 'Output' of the task 'text'"):
        read(compiled(misread), names=["a"])


def test_refuses_to_collect_from_an_empty_list_by_the_parameters_name(compiled: Compile) -> None:
    with pytest.raises(InvalidArguments, match="'names' is an empty list"):
        read(compiled(everything), names=[])


def test_accepts_an_empty_list_from_which_nothing_is_collected(compiled: Compile) -> None:
    @dsl.pipeline(name="optional")
    def optional(names: list[str]) -> None:
        with dsl.ParallelFor(names) as name:
            text(value=name)

    assert read(compiled(optional), names=[]).tasks[0].expected() == []
