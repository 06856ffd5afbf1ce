"""Rules on the pipeline's own name and parameters, and on every value that stands in the YAML."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from google.protobuf import json_format

from compilation.container_rules import holds_secret
from compilation.finding import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compilation.spec import CompiledPipeline

LARGEST = 32_768
"""Bytes of one value. All of a task's arrive in one argument of its command, of which Linux takes 131,072 bytes."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,126}[a-z0-9])?")


class Placed(NamedTuple):
    """A fault of one parameter, or of the pipeline itself."""

    place: str
    fault: Fault


class _Value(NamedTuple):
    place: str
    name: str
    text: str


def described(pipeline: CompiledPipeline) -> Iterator[Placed]:
    """The UI shows a parameter with its description, or with nothing."""
    for name, parameter in pipeline.parameters.items():
        if not parameter.description.strip():
            yield Placed(
                f"parameter '{name}'",
                Fault("it has no description", "describe it under Args: in the pipeline's docstring"),
            )


def valid_pipeline_name(pipeline: CompiledPipeline) -> Iterator[Placed]:
    """Kubeflow Pipelines refuses another when the pipeline is uploaded."""
    name = pipeline.spec.pipeline_info.name
    if not _NAME.fullmatch(name):
        fix = "use up to 128 small letters, digits and hyphens, with a letter or digit at the ends"
        yield Placed("pipeline", Fault(f"its name is {name!r}", fix))


def values_fit(pipeline: CompiledPipeline) -> Iterator[Placed]:
    """What is too long for a command only fails when the task starts."""
    for place, name, text in _values(pipeline):
        if (size := len(text.encode())) > LARGEST:
            wrong = f"the value of {name} has {size:,} bytes, more than {LARGEST:,}"
            yield Placed(place, Fault(wrong, "pass it as an artifact"))


def no_secret_value(pipeline: CompiledPipeline) -> Iterator[Placed]:
    """Everybody who may see a run sees its parameters."""
    for place, name, text in _values(pipeline):
        if holds_secret(name, text):
            fix = "put it into a Secret, and name that in compilation/surroundings.py"
            yield Placed(place, Fault(f"the value of {name} stands in the YAML, and looks like a secret", fix))


def _values(pipeline: CompiledPipeline) -> Iterator[_Value]:
    for name, parameter in pipeline.parameters.items():
        if parameter.HasField("default_value"):
            yield _Value(f"parameter '{name}'", name, _text(parameter.default_value))
    for task in pipeline.tasks:
        for name, source in sorted(task.spec.inputs.parameters.items()):
            if source.WhichOneof("kind") == "runtime_value":
                yield _Value(f"task '{task.title}'", name, _text(source.runtime_value.constant))
        if items := task.spec.parameter_iterator.items.raw:
            yield _Value(f"task '{task.title}'", "its items", items)


def _text(value: Any) -> str:
    found = json_format.MessageToDict(value)
    return found if isinstance(found, str) else json.dumps(found)
