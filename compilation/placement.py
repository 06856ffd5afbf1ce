"""Where and how a task runs on a cluster, told to KFP and to Kubernetes; a run on this machine ignores all of it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kfp import dsl, kubernetes

from compilation.errors import InvalidMemory, UndeclaredStage
from compilation.surroundings import ADDRESSES, ADDRESSES_OF, CREDENTIALS_OF, SECRET_OF
from components.needs import NEEDS

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = 10001
"""User and group of the images, by number: Kubernetes can't prove of a name that it isn't root."""

SCRATCH = "10Gi"
"""What a task may write to /tmp, the only place of its own that it can write to."""

REACHES = "concord/reaches"
"""The label that says what a pod reaches, so that network policies can select it."""


_MEMORY = re.compile(r"[1-9][0-9]*[MGT]i")


@dataclass(frozen=True)
class Placement:
    """What differs between clusters and tables."""

    image: str | None = None
    """What the tasks run; None is the image that is built here."""
    memory: str | None = None
    """What the tasks have that fit or predict the whole table, such as `8Gi`; None is what their stages need."""

    def __post_init__(self) -> None:
        """Raises `InvalidMemory`."""
        if self.memory is not None and not _MEMORY.fullmatch(self.memory):
            raise InvalidMemory(f"{self.memory!r} is no amount of memory: write 8Gi (gibibytes) or 800Mi (mebibytes)")


_ANYWHERE = Placement()
_PLACEMENT = ContextVar("placement", default=_ANYWHERE)


@contextmanager
def placing(placement: Placement) -> Iterator[None]:
    """While inside, pipelines are made for that placement."""
    token = _PLACEMENT.set(placement)
    try:
        yield
    finally:
        _PLACEMENT.reset(token)


def placed(task: dsl.PipelineTask, title: str) -> dsl.PipelineTask:
    """Give a task its name for people, and from `components.needs` all that its stage needs.

    Raises `UndeclaredStage` if its component isn't there.
    """
    stage = task.component_spec.name
    if stage not in NEEDS:
        raise UndeclaredStage(
            f"the component {stage!r} has no needs: say in components/needs.py how much room and time it takes, what it"
            " reaches outside of its run, and whether it may be repeated"
        )
    needs, placement = NEEDS[stage], _PLACEMENT.get()
    memory = placement.memory if needs.grows and placement.memory else needs.memory
    task.set_display_name(title)
    task.set_cpu_request(needs.cpu).set_cpu_limit(needs.cpu_limit)
    task.set_memory_request(memory).set_memory_limit(memory)
    # As in a run on this machine: more threads than this get in each other's way, and sum in another order.
    task.set_env_variable("OMP_NUM_THREADS", "1")
    task.set_caching_options(enable_caching=needs.reaches == "nothing")
    if needs.retries:
        task.set_retry(
            needs.retries,
            backoff_duration=f"{needs.backoff_seconds}s",
            backoff_factor=2.0,
            backoff_max_duration="600s",
        )
    if placement.image:
        task.set_container_image(placement.image)
    _place_pod(task, stage)
    return task


def _place_pod(task: dsl.PipelineTask, stage: str) -> None:
    """What KFP leaves to Kubernetes; in the YAML it is a document of its own."""
    needs = NEEDS[stage]
    labels = {
        "app.kubernetes.io/name": "concord",
        "app.kubernetes.io/component": stage,
        "app.kubernetes.io/part-of": "concord",
        "app.kubernetes.io/managed-by": "kubeflow-pipelines",
        REACHES: needs.reaches.value,
    }
    for key, value in labels.items():
        kubernetes.add_pod_label(task, key, value)
    kubernetes.set_timeout(task, needs.minutes * 60)
    # KFP itself forbids privilege escalation and drops all capabilities.
    kubernetes.set_security_context(task, run_as_user=USER, run_as_group=USER, run_as_non_root=True)
    kubernetes.set_image_pull_policy(task, "IfNotPresent")
    kubernetes.empty_dir_mount(task, volume_name="tmp", mount_path="/tmp", size_limit=SCRATCH)  # noqa: S108
    if addresses := ADDRESSES_OF.get(needs.reaches):
        kubernetes.use_config_map_as_env(task, ADDRESSES, dict(addresses), optional=True)
    if credentials := CREDENTIALS_OF.get(needs.reaches):
        kubernetes.use_secret_as_env(task, SECRET_OF[needs.reaches], dict(credentials), optional=True)
