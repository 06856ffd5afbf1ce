"""The rules that a compiled pipeline must keep before a cluster gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compilation import container_rules, parameter_rules, pod_rules, task_rules
from compilation.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from compilation.finding import Fault
    from compilation.parameter_rules import Placed
    from compilation.spec import CompiledPipeline, CompiledTask

IMAGE_BY_DIGEST = "image-by-digest"

OF_CONTAINERS: Mapping[str, Callable[[CompiledTask], Iterator[Fault]]] = {
    IMAGE_BY_DIGEST: container_rules.image_by_digest,
    "limits": container_rules.limits,
    "timeout": pod_rules.timeout,
    "non-root": pod_rules.non_root,
    "labelled": pod_rules.labelled,
    "least-credentials": pod_rules.least_credentials,
    "installs-nothing": container_rules.installs_nothing,
    "thin-body": container_rules.thin_body,
    "no-secret": container_rules.no_secret,
    "declared": task_rules.declared,
    "not-cached": task_rules.not_cached,
    "repeatable": task_rules.repeatable,
}
"""Rules on every task that runs something, by name."""

OF_TASKS: Mapping[str, Callable[[CompiledTask], Iterator[Fault]]] = {
    "no-cache-key": task_rules.no_cache_key,
    "display-name": task_rules.display_name,
    "valid-name": task_rules.valid_name,
}
"""Rules on every task, loops and imports included."""

OF_PIPELINES: Mapping[str, Callable[[CompiledPipeline], Iterator[Placed]]] = {
    "described": parameter_rules.described,
    "valid-pipeline-name": parameter_rules.valid_pipeline_name,
    "values-fit": parameter_rules.values_fit,
    "no-secret-value": parameter_rules.no_secret_value,
}
"""Rules on the pipeline and what stands in it."""

RULES = (*OF_CONTAINERS, *OF_TASKS, *OF_PIPELINES)


def findings(pipeline: CompiledPipeline, *, allow_tag: bool = False) -> list[Finding]:
    """Whatever breaks a rule, in the order of the file; with `allow_tag`, images may have a tag alone."""
    found = [Finding(name, *placed) for name, rule in OF_PIPELINES.items() for placed in rule(pipeline)]
    for task in pipeline.tasks:
        rules = {**(OF_CONTAINERS if task.container is not None else {}), **OF_TASKS}
        if allow_tag:
            rules.pop(IMAGE_BY_DIGEST, None)
        found += [Finding(name, f"task '{task.title}'", fault) for name, rule in rules.items() for fault in rule(task)]
    return found
