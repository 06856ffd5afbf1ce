"""Rules on a task's place in the graph: its names, its cache, and its further tries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from compilation.finding import Fault
from components.needs import NEEDS, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compilation.spec import CompiledTask

_KEY = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""Becomes a part of the names of pods: a label of DNS."""


def declared(task: CompiledTask) -> Iterator[Fault]:
    """What a stage reaches, and whether it may be repeated, is for people to say; two other rules rely on it."""
    if task.stage not in NEEDS:
        yield Fault(
            f"nobody said what its component {task.stage or task.key!r} needs and reaches",
            "add it to components/needs.py",
        )


def display_name(task: CompiledTask) -> Iterator[Fault]:
    """KFP falls back on the name in the code."""
    if not task.is_loop and task.spec.task_info.name in {"", task.key}:
        yield Fault("it has no name for people", "give it one: placed(…, 'Name'), or set_display_name of an importer")


def valid_name(task: CompiledTask) -> Iterator[Fault]:
    """The cluster refuses what isn't a name to it, and only when the task starts."""
    if not _KEY.fullmatch(task.key):
        yield Fault(
            f"its name {task.key!r} can't be a part of a pod's name",
            "use up to 63 small letters, digits and hyphens, with a letter first",
        )


def not_cached(task: CompiledTask) -> Iterator[Fault]:
    """The cache would answer instead of the world, or do nothing where something is to be done."""
    needs = NEEDS.get(task.stage)
    if needs and needs.reaches != Reach.NOTHING and task.spec.caching_options.enable_cache:
        yield Fault(
            f"its result may come from the cache, although it reaches {needs.reaches}",
            "let pipeline.py place the task, and don't switch its caching on",
        )


def no_cache_key(task: CompiledTask) -> Iterator[Fault]:
    """All iterations of a loop would share the result of the first."""
    if task.in_loop and task.spec.caching_options.cache_key:
        yield Fault(
            f"it has the cache key {task.spec.caching_options.cache_key!r} for every item of its loop",
            "leave the cache_key out: KFP makes one of the inputs",
        )


def repeatable(task: CompiledTask) -> Iterator[Fault]:
    """What may not be repeated would be done twice; what is repeated at once, fails at once."""
    policy, needs = task.spec.retry_policy, NEEDS.get(task.stage)
    if not policy.max_retry_count:
        return
    if needs and not needs.repeatable:
        yield Fault(
            f"it is tried {policy.max_retry_count + 1} times, although it may not be repeated",
            "leave its retries out, or make the stage repeatable and say so in components/needs.py",
        )
    if not policy.backoff_duration.ToNanoseconds():
        yield Fault("it is tried again without a pause", "set a backoff_duration of some seconds")
