"""Write a pipeline as the YAML that Kubeflow Pipelines takes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compilation.errors import RulesBroken, UnusableOutput
from compilation.placement import Placement, placing
from compilation.reference import checked

if TYPE_CHECKING:
    from collections.abc import Mapping


def compile_to(  # noqa: PLR0913  (all but the first three by name)
    pipeline: Any,
    output: Path,
    image: str | None = None,
    *,
    allow_tag: bool = False,
    memory: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Compile into a file; the same code and arguments give the same bytes.

    Args:
        pipeline: what `dsl.pipeline` made, of tasks that are `compilation.placement.placed`.
        output: the file; it appears whole or not at all.
        image: what the tasks run, by digest. What is compiled for a cluster has to keep every rule of
            `compilation.lint`. Without one it is for this machine, where nothing of an image is looked at.
        allow_tag: whether a tag of the image will do.
        memory: what tasks have that fit or predict the whole table, such as `8Gi`; None is what their stages need.
        parameters: defaults of the pipeline's parameters, in place of its own.

    Raises:
        UnpinnedImage, InvalidMemory, UnusableOutput, UndeclaredStage, RulesBroken: nothing is written then.
    """
    if output.suffix not in {".yaml", ".yml"}:
        raise UnusableOutput(f"{output} isn't named as YAML is: end its name with .yaml")
    if image is not None:
        checked(image, allow_tag=allow_tag)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".compiled-", dir=output.parent) as folder:
            written = Path(folder) / output.name
            _compile(pipeline, written, Placement(image, memory), parameters or {})
            if image is not None:
                _keeps_the_rules(written, allow_tag=allow_tag)
            written.replace(output)
    except OSError as error:
        raise UnusableOutput(f"{output} can't be written: {error.strerror}") from None


def _compile(pipeline: Any, output: Path, placement: Placement, parameters: Mapping[str, Any]) -> None:
    """Make the pipeline anew for the placement, and write it."""
    from kfp import compiler, dsl

    with placing(placement):
        made = dsl.pipeline(
            name=pipeline.name,
            display_name=pipeline.pipeline_spec.pipeline_info.display_name,
            description=pipeline.description,
            pipeline_config=pipeline.pipeline_config,
        )(pipeline.pipeline_func)
    compiler.Compiler().compile(made, str(output), pipeline_parameters=dict(parameters))


def _keeps_the_rules(written: Path, *, allow_tag: bool) -> None:
    from compilation.lint import findings
    from compilation.spec import CompiledPipeline

    if found := findings(CompiledPipeline.read(written), allow_tag=allow_tag):
        raise RulesBroken("\n".join(str(finding) for finding in found))
