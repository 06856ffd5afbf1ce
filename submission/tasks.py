"""The tasks of a run as its author knows them, out of the nodes that the workflow engine reports.

The API hands on the nodes of Argo Workflows. A task `train` of a loop comes as its own node beside `train-driver`
(which resolves inputs and looks into the cache) and above `executor` (whose pod runs the code; `executor(0)`,
`executor(1)` where it may be tried again), and below `iteration-item` and `for-loop-1-iterations(3:3)`.
Source: kubeflow/pipelines, backend/src/v2/compiler/argocompiler/dag.go, and toApiPipelineTaskDetail in
backend/src/apiserver/server/api_converter.go. A node's `error` is empty in most versions, so the
pod is worth asking (see `pods`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from submission.outline import Outlined

_DRIVER = "-driver"
_EXECUTOR = re.compile(r"executor(\(\d+\))?")
_ITERATION = re.compile(r".*-iterations\((\d+):.*")
_STRUCTURE = re.compile(
    r"root|iteration-item|executor(\(\d+\))?|.*-driver|(for-loop|condition|condition-branches|exit-handler)-\d+(-.*)?"
)
_EPOCH = 1970  # the year of a time that isn't set

DONE = ("SUCCEEDED", "SKIPPED")
ENDED = (*DONE, "FAILED", "CANCELED")


@dataclass(frozen=True)
class Task:
    """One execution of a task.

    Attributes:
        name: as the compiled pipeline calls it.
        label: as people know it, with a loop's item: `Train · svm`.
        state: `PENDING`, `RUNNING`, `SUCCEEDED`, `SKIPPED`, `FAILED`, `CANCELED`, …
        is_cached: whether its outputs are those of an earlier run.
        error: what the API says about its failure; often nothing.
        pods: those that ran it, the newest last; after a failure before its code ran, that of its driver.
    """

    key: str
    name: str
    label: str
    state: str
    began: datetime | None
    ended: datetime | None
    is_cached: bool = False
    error: str = ""
    pods: tuple[str, ...] = ()

    def seconds(self, now: datetime) -> float | None:
        """How long it took, or has taken until now; None if it hasn't begun."""
        return ((self.ended or now) - self.began).total_seconds() if self.began else None


def tasks_of(details: Sequence[Any] | None, outlined: Mapping[str, Outlined]) -> list[Task]:
    """The tasks among the `task_details` of a run, in the order in which they began.

    Of a pipeline that isn't known (`outlined` is empty), every node that isn't known to be structure is taken for one.
    """
    nodes = _Nodes([detail for detail in details or () if detail.display_name])
    tasks = []
    for node in nodes.all:
        name: str = node.display_name
        if name in outlined or (not outlined and nodes.parents(node) and not _STRUCTURE.fullmatch(name)):
            tasks.append(_task(node, nodes, outlined.get(name)))
        elif name.endswith(_DRIVER) and _state(node) == "FAILED" and name.removesuffix(_DRIVER) in outlined:
            # Without inputs its task doesn't begin, and may not even be reported.
            tasks.append(_driven(node, nodes, outlined[name.removesuffix(_DRIVER)]))
    failed = {task.key for task in tasks if task.state == "FAILED"}
    tasks = [task for task in tasks if task.state != "SKIPPED" or task.is_cached or task.key not in failed]
    return sorted(tasks, key=lambda task: (task.began or datetime.max.replace(tzinfo=UTC), task.key))


class _Nodes:
    """The nodes with their relations, which the API gives by the ids or the pods of children."""

    def __init__(self, details: Sequence[Any]) -> None:
        self.all = details
        by_id = {detail.task_id: detail for detail in details if detail.task_id}
        by_id |= {detail.pod_name: detail for detail in details if detail.pod_name}
        self._children: dict[int, list[Any]] = {}
        self._parent: dict[int, Any] = {}
        for detail in details:
            for child in detail.child_tasks or ():
                if found := by_id.get(child.task_id) or by_id.get(child.pod_name):
                    self._relate(detail, found)
            if (parent := by_id.get(detail.parent_task_id)) and parent is not detail:
                self._relate(parent, detail)

    def _relate(self, parent: Any, child: Any) -> None:
        self._parent.setdefault(id(child), parent)
        self._children.setdefault(id(parent), []).append(child)

    def parents(self, node: Any) -> list[Any]:
        """From the nearest to the farthest; a ring, which no workflow has, ends it."""
        found: dict[int, Any] = {}
        while (node := self._parent.get(id(node))) is not None and id(node) not in found:
            found[id(node)] = node
        return list(found.values())

    def executors(self, node: Any) -> Iterator[Any]:
        """The nodes below whose pods run the task's code; a node of several attempts has none itself."""
        for child in self._children.get(id(node), ()):
            if _EXECUTOR.fullmatch(child.display_name):
                attempts = list(self.executors(child))
                yield from attempts or [child]


def _iteration(node: Any, nodes: _Nodes) -> int | None:
    matches = (_ITERATION.fullmatch(parent.display_name) for parent in nodes.parents(node))
    return next((int(match[1]) for match in matches if match), None)


def _task(node: Any, nodes: _Nodes, known: Outlined | None) -> Task:
    iteration = _iteration(node, nodes)
    executors = sorted(
        nodes.executors(node), key=lambda found: _time(found.start_time) or datetime.max.replace(tzinfo=UTC)
    )
    ran = [executor for executor in executors if _state(executor) != "SKIPPED"]
    name: str = node.display_name
    return Task(
        key=_key(name, iteration),
        name=name,
        label=known.label(iteration) if known else name if iteration is None else f"{name} · {iteration + 1}",
        state=_state(node),
        began=_time(node.start_time) or _time(node.create_time),
        ended=_time(node.end_time),
        is_cached=bool(executors) and not ran and _state(node) == "SUCCEEDED",
        error=next(filter(None, map(_error, (node, *reversed(ran)))), ""),
        pods=tuple(executor.pod_name for executor in ran if executor.pod_name) or _own_pod(node, executors),
    )


def _own_pod(node: Any, executors: Sequence[Any]) -> tuple[str, ...]:
    """That of a task without an executor below it: servers that report tasks instead of nodes."""
    return () if executors or not node.pod_name else (node.pod_name,)


def _driven(driver: Any, nodes: _Nodes, known: Outlined) -> Task:
    iteration = _iteration(driver, nodes)
    name = driver.display_name.removesuffix(_DRIVER)
    return Task(
        key=_key(name, iteration),
        name=name,
        label=known.label(iteration),
        state="FAILED",
        began=_time(driver.start_time) or _time(driver.create_time),
        ended=_time(driver.end_time),
        error=_error(driver),
        pods=(driver.pod_name,) if driver.pod_name else (),
    )


def _key(name: str, iteration: int | None) -> str:
    return name if iteration is None else f"{name}[{iteration}]"


def _state(node: Any) -> str:
    return str(node.state or "PENDING").upper()


def _time(value: datetime | None) -> datetime | None:
    if value is None or value.year <= _EPOCH:
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _error(node: Any) -> str:
    statuses = [node.error, *(status.error for status in reversed(node.state_history or []))]
    return next((status.message for status in statuses if status and status.message), "")
