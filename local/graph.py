"""The tasks of a compiled pipeline, in the order in which they run."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from kfp.local import graph_utils

from local.errors import InvalidArguments, PipelineUnsupported

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The structure of a compiled pipeline is KFP's `pipeline_spec.proto`, as YAML.
Spec = dict[str, Any]

_LONGEST_ITEM = 40


class TaskId(NamedTuple):
    """One execution of a component; `iterations` are the indices in the loops around it, the outermost first.

    `iterations` is None for a task of a loop whose items an earlier task has yet to compute.
    """

    component: str
    iterations: tuple[int, ...] | None


@dataclass(frozen=True)
class Loop:
    """A `dsl.ParallelFor`; `items` is None if an earlier task computes them, `item_input` if they are artifacts."""

    item_input: str | None
    items: tuple[Any, ...] | None


@dataclass(frozen=True)
class Task:
    """A task that a component's code executes, once for each iteration of the loops around it.

    Attributes:
        component: its name in KFP's directories, e.g. `train-2`.
        attempts: how often it may be tried.
        item_input: its own input that receives the innermost loop's item, if there is one.
    """

    component: str
    display_name: str
    attempts: int
    loops: tuple[Loop, ...]
    item_input: str | None

    def expected(self) -> list[TaskId]:
        """Return what is known beforehand of its executions."""
        known = [range(len(loop.items)) for loop in self.loops if loop.items is not None]
        if len(known) < len(self.loops):
            return [TaskId(self.component, None)]
        return [TaskId(self.component, iterations) for iterations in itertools.product(*known)]

    def items(self, iterations: tuple[int, ...] | None, inputs: Mapping[str, Any]) -> list[str]:
        """Name the loops' items in these iterations, given the execution's input parameters."""
        names = []
        for loop, index in zip(self.loops, iterations or (), strict=False):
            if loop.items is not None:
                item = loop.items[index]
            else:
                item = inputs.get(self.item_input) if self.item_input and loop is self.loops[-1] else None
            names.append(_name(item, index))
        return names

    def label(self, items: list[str]) -> str:
        """Name an execution for people, e.g. `Train · logistic regression`."""
        return " · ".join([self.display_name, *(item.replace("_", " ") for item in items)])


@dataclass(frozen=True)
class Graph:
    """A compiled pipeline: its tasks, and the parameters it takes with their KFP types."""

    tasks: tuple[Task, ...]
    parameters: dict[str, str]

    @classmethod
    def read(cls, text: str, arguments: Mapping[str, Any]) -> Graph:
        """Read a compiled pipeline that KFP could load.

        Raises:
            InvalidArguments: one of them is an empty list, and results are collected from a loop over it.
            PipelineUnsupported: the local runner would give a task something else than a cluster gives it.
        """
        # A second document, if there is one, has settings only for Kubernetes.
        spec = next(document for document in yaml.safe_load_all(text) if document and "pipelineInfo" in document)
        declared: Spec = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        defaults = {name: entry["defaultValue"] for name, entry in declared.items() if "defaultValue" in entry}
        tasks = _walk(spec, spec["root"]["dag"]["tasks"], {**defaults, **arguments}, ())
        return cls(tuple(tasks), {name: entry["parameterType"] for name, entry in declared.items()})


def _walk(spec: Spec, tasks: Spec, known: Mapping[str, Any], loops: tuple[Loop, ...]) -> Iterator[Task]:
    dependencies = {name: task.get("dependentTasks", []) for name, task in tasks.items()}
    for name in reversed(graph_utils.topological_sort(dependencies)):
        task: Spec = tasks[name]
        reference: str = task["componentRef"]["name"]
        component: Spec = spec["components"][reference]
        inputs: Spec = task.get("inputs", {}).get("parameters", {})
        if "dag" in component:
            iterates = "parameterIterator" in task or "artifactIterator" in task
            inside = (*loops, _loop(name, task, component, known)) if iterates else loops
            yield from _walk(spec, component["dag"]["tasks"], _resolve(inputs, known), inside)
            continue
        if "importer" in spec["deploymentSpec"]["executors"][component["executorLabel"]]:
            continue  # no code: the runner itself names what is there already
        item = loops[-1].item_input if loops else None
        yield Task(
            component=reference.removeprefix("comp-"),
            display_name=task.get("taskInfo", {}).get("name", name),
            attempts=1 + task.get("retryPolicy", {}).get("maxRetryCount", 0),
            loops=loops,
            item_input=next(
                (key for key, source in inputs.items() if item and source.get("componentInputParameter") == item), None
            ),
        )


def _resolve(inputs: Spec, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of those inputs which no task has yet to compute."""
    values = {}
    for name, source in inputs.items():
        if "runtimeValue" in source:
            values[name] = source["runtimeValue"]["constant"]
        elif source.get("componentInputParameter") in known:
            values[name] = known[source["componentInputParameter"]]
    return values


def _loop(name: str, task: Spec, component: Spec, known: Mapping[str, Any]) -> Loop:
    if "artifactIterator" in task:
        return Loop(None, None)
    iterator: Spec = task["parameterIterator"]
    inputs: Spec = task.get("inputs", {}).get("parameters", {})
    over: str | None = iterator["items"].get("inputParameter")
    for key, source in inputs.items():
        if "taskOutputParameter" in source and key != over:
            producer = source["taskOutputParameter"]
            msg = (
                f"The loop '{name}' passes the output parameter '{producer['outputParameterKey']}' of the task "
                f"'{producer['producerTask']}' to its tasks. KFP's local runner would silently give them the loop's "
                "item instead. Pass it as an artifact, or as a parameter of the pipeline."
            )
            raise PipelineUnsupported(msg)
    items = json.loads(iterator["items"]["raw"]) if over is None else _resolve(inputs, known).get(over)
    if items == [] and component["dag"].get("outputs"):
        parameter = inputs.get(over, {}).get("componentInputParameter", over) if over else name
        parameter = parameter.removeprefix("pipelinechannel--")
        msg = f"'{parameter}' is an empty list, but the pipeline collects results for its items. Name at least one."
        raise InvalidArguments(msg)
    return Loop(iterator["itemInput"], tuple(items) if isinstance(items, list) else None)


def _name(item: object, index: int) -> str:
    if isinstance(item, dict):
        item = next((value for value in item.values() if isinstance(value, str)), None)
    if isinstance(item, float):
        item = f"{item:g}"
    text = " ".join(str(item).split())
    return text if item is not None and text and len(text) <= _LONGEST_ITEM else str(index + 1)
