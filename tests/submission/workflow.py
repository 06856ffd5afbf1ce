"""The nodes that Kubeflow Pipelines reports of a run, as Argo Workflows names and nests them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import kfp_server_api as api

BEGAN = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
_LOOP = "for-loop-1"


@dataclass(frozen=True)
class Told:
    """One task at one look: `attempts` pods ran it, none where the cache had its outputs or its driver failed."""

    state: str = "SUCCEEDED"
    seconds: float = 4.2
    error: str = ""
    is_cached: bool = False
    attempts: int = 1
    driver_failed: bool = False


def workflow(run_id: str, tasks: Mapping[str, Told]) -> list[api.V2beta1PipelineTaskDetail]:
    """All nodes of a run with these tasks; `train[1]` is the second iteration of `train` in the loop."""
    nodes = _Nodes(run_id)
    inside = [name for name in tasks if "[" in name]
    loop: list[str] = []
    for index in sorted({int(name.partition("[")[2][:-1]) for name in inside}):
        below = [
            part
            for name in inside
            if name.endswith(f"[{index}]")
            for part in nodes.task(name.partition("[")[0], f"-{index}", tasks[name])
        ]
        item = nodes.add("iteration-item", "RUNNING", key=f"iteration-item-{index}", children=below)
        driver = nodes.add("iteration-item-driver", "SUCCEEDED", key=f"iteration-item-driver-{index}")
        loop.append(nodes.add(f"{_LOOP}-iterations({index}:{index})", "RUNNING", children=[driver, item]))
    top = [part for name, told in tasks.items() if "[" not in name for part in nodes.task(name, "", told)]
    if loop:
        top += [nodes.add(f"{_LOOP}-driver", "SUCCEEDED"), nodes.add(_LOOP, "RUNNING", children=loop)]
    root = nodes.add("root", "RUNNING", children=top)
    nodes.add("concord-x7k2p", "RUNNING", children=[nodes.add("root-driver", "SUCCEEDED"), root])
    return sorted(nodes.made, key=lambda node: str(node.pod_name))


class _Nodes:
    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self.made: list[api.V2beta1PipelineTaskDetail] = []

    def task(self, name: str, suffix: str, told: Told) -> list[str]:
        """The driver of a task and the task; returns their pods."""
        if told.driver_failed:
            return [
                self.add(f"{name}-driver", "FAILED", key=f"{name}-driver{suffix}", told=told),
                self.add(name, "SKIPPED", key=f"{name}{suffix}"),
            ]
        executors = []
        if told.is_cached:
            executors.append(self.add("executor", "SKIPPED", key=f"{name}{suffix}-executor", told=told))
        elif told.attempts == 1:
            executors.append(self.add("executor", told.state, key=f"{name}{suffix}-executor", told=told))
        elif told.attempts:
            attempts = [
                self.add(
                    f"executor({number})",
                    told.state if number == told.attempts - 1 else "FAILED",
                    key=f"{name}{suffix}-executor-{number}",
                    told=told,
                    after=number,
                )
                for number in range(told.attempts)
            ]
            executors.append(self.add("executor", told.state, key=f"{name}{suffix}-executor", children=attempts))
        return [
            self.add(f"{name}-driver", "SUCCEEDED", key=f"{name}-driver{suffix}"),
            self.add(name, told.state, key=f"{name}{suffix}", children=executors, told=told),
        ]

    def add(
        self,
        name: str,
        state: str,
        *,
        key: str | None = None,
        children: Iterable[str] = (),
        told: Told | None = None,
        after: float = 0,
    ) -> str:
        pod = f"concord-x7k2p-{re.sub('[^a-z0-9-]', '-', key or name)}"
        ended = state in ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")
        began = BEGAN + timedelta(seconds=after)
        self.made.append(
            api.V2beta1PipelineTaskDetail(
                run_id=self._run_id,
                task_id=f"id-of-{pod}",
                display_name=name,
                create_time=began,
                start_time=began,
                end_time=began + timedelta(seconds=told.seconds if told else 1)
                if ended
                else datetime(1970, 1, 1, tzinfo=UTC),
                state=state,
                pod_name=pod,
                error=api.GoogleRpcStatus(code=13, message=told.error) if told and told.error else None,
                child_tasks=[api.PipelineTaskDetailChildTask(pod_name=child) for child in children] or None,
            )
        )
        return pod
