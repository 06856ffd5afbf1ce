"""A compiled pipeline as KFP's own messages, with what Kubernetes is told beside each task."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from google.protobuf import json_format
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineDeploymentConfig, PipelineSpec, PlatformSpec

from compilation.errors import UnreadablePipeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class CompiledTask:
    """One task, in a loop or outside of any; `container` is None for a loop, and for what is only imported."""

    key: str
    """Its name in the graph around it, such as `train`."""
    spec: Any
    """A `PipelineTaskSpec`."""
    in_loop: bool
    container: Any = None
    """A `PipelineDeploymentConfig.PipelineContainerSpec`."""
    pod: Any = field(default_factory=KubernetesExecutorConfig)
    """A `KubernetesExecutorConfig`; empty if Kubernetes is told nothing."""
    is_loop: bool = False

    @property
    def title(self) -> str:
        """The task as the UI of Kubeflow Pipelines names it."""
        return str(self.spec.task_info.name or self.key)

    @property
    def stage(self) -> str:
        """The component that it runs, as `components.needs` names it; empty if that can't be told."""
        arguments = list(self.container.args) if self.container else []
        if "--function_to_execute" not in arguments[:-1]:
            return ""
        return str(arguments[arguments.index("--function_to_execute") + 1]).replace("_", "-")

    @property
    def source(self) -> str:
        """The Python that KFP hands to the container; empty if there is none."""
        return str(self.container.command[-1]) if self.stage and self.container.command else ""

    def body(self) -> list[ast.stmt] | None:
        """What its function consists of, without the docstring; None if it has none, or isn't Python."""
        try:
            tree = ast.parse(self.source)
        except SyntaxError:
            return None
        wanted = self.stage.replace("-", "_")
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == wanted:
                return node.body[1:] if ast.get_docstring(node) is not None else node.body
        return None


@dataclass(frozen=True)
class CompiledPipeline:
    """All of a file."""

    spec: Any
    """A `PipelineSpec`."""
    tasks: tuple[CompiledTask, ...]

    @property
    def containers(self) -> tuple[CompiledTask, ...]:
        """The tasks that run something."""
        return tuple(task for task in self.tasks if task.container is not None)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """A `ComponentInputsSpec.ParameterSpec` by the name of each parameter of the pipeline."""
        return dict(self.spec.root.input_definitions.parameters)

    @classmethod
    def read(cls, path: Path) -> CompiledPipeline:
        """Read a file. Raises `UnreadablePipeline` if it isn't a compiled pipeline."""
        try:
            return cls.of(list(yaml.safe_load_all(path.read_text(encoding="utf-8"))), str(path))
        except OSError as error:
            raise UnreadablePipeline(f"{path} can't be read: {error.strerror}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise UnreadablePipeline(f"{path} isn't YAML ({reason}). Compile the pipeline again.") from None

    @classmethod
    def of(cls, documents: list[Any], name: str = "the pipeline") -> CompiledPipeline:
        """Read what was a file. Raises `UnreadablePipeline`, under that name, if it isn't a compiled pipeline."""
        first = next((item for item in documents if isinstance(item, dict) and "pipelineInfo" in item), None)
        if first is None:
            raise UnreadablePipeline(
                f"{name} isn't a compiled pipeline: no document of it has a pipelineInfo."
                " Compile one: python pipeline.py compile --output FILE"
            )
        second = next((item for item in documents if isinstance(item, dict) and "platforms" in item), {})
        try:
            spec = json_format.ParseDict(first, PipelineSpec())
            deployment = _message(spec.deployment_spec, PipelineDeploymentConfig())
            kubernetes = json_format.ParseDict(second, PlatformSpec()).platforms["kubernetes"]
            pods = {
                label: _message(settings, KubernetesExecutorConfig())
                for label, settings in kubernetes.deployment_spec.executors.items()
            }
            return cls(spec, tuple(_tasks(spec, spec.root.dag, deployment.executors, pods, in_loop=False)))
        except (json_format.ParseError, KeyError) as error:
            raise UnreadablePipeline(f"{name} isn't a compiled pipeline ({error}). Compile it again.") from None


def _message(settings: Any, empty: Any) -> Any:
    """What KFP keeps as a structure without a type, in its own."""
    return json_format.ParseDict(json_format.MessageToDict(settings), empty)


def _tasks(spec: Any, dag: Any, executors: Any, pods: Mapping[str, Any], *, in_loop: bool) -> Iterator[CompiledTask]:
    for key, task in sorted(dag.tasks.items()):
        reference = task.component_ref.name
        if reference not in spec.components:
            raise KeyError(f"the task {key!r} runs {reference!r}, which isn't there")
        component = spec.components[reference]
        if component.HasField("dag"):
            loops = task.WhichOneof("iterator") is not None
            yield CompiledTask(key, task, in_loop, is_loop=True)
            yield from _tasks(spec, component.dag, executors, pods, in_loop=in_loop or loops)
            continue
        label = component.executor_label
        if label not in executors:
            raise KeyError(f"the task {key!r} has no executor")
        executor = executors[label]
        container = executor.container if executor.HasField("container") else None
        yield CompiledTask(key, task, in_loop, container, pods.get(label, KubernetesExecutorConfig()))
