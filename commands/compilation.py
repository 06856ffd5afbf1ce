"""The commands that write a pipeline as YAML for a cluster, and check such a file."""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from contract.document import load_contract
from contract.schema import Contract
from local.workspace import code_revision, contract_of


class PipelineName(StrEnum):
    """What can be compiled."""

    TRAIN = "train"
    SCORE = "score"


AllowTag = Annotated[bool, typer.Option("--allow-tag", help="let images be named by a tag, which may move")]


def add_to(app: typer.Typer, pipelines: Mapping[str, Any], candidates: Sequence[str], candidate_names: Any) -> None:
    """Add `compile` and `lint`.

    The pipeline trains a contract's candidates, else all `candidates`; `candidate_names` is an enumeration of those
    that may be named.
    """
    Candidate: Any = candidate_names  # noqa: N806  (a type, for typer)

    @app.command()
    def compile(  # noqa: A001, PLR0913, PLR0917  (the verb that KFP's users know; typer makes an option of each)
        output: Annotated[Path, typer.Option(help="the YAML file to write")],
        image: Annotated[
            str | None,
            typer.Option(
                envvar="CONCORD_PIPELINE_IMAGE",
                metavar="REPOSITORY@sha256:…",
                help="the image that the tasks run on a cluster [default: the one of this machine, for use here]",
            ),
        ] = None,
        which: Annotated[
            PipelineName, typer.Option("--pipeline", help="train: from a table to a published model; score: a file")
        ] = PipelineName.TRAIN,
        dataset: Annotated[
            str | None,
            typer.Option(help="a folder of datasets/: its table is what the pipeline trains on unless told otherwise"),
        ] = None,
        candidate: Annotated[
            list[Candidate] | None,
            typer.Option(
                help="a candidate to train unless told otherwise; may stand several times [default: those of the"
                " contract, or all, that the image can train]"
            ),
        ] = None,
        memory: Annotated[
            str | None,
            typer.Option(
                metavar="QUANTITY",
                help="memory of each task that fits or predicts the whole table, such as 8Gi [default: what suits the"
                " dataset, or 2Gi]",
            ),
        ] = None,
        allow_tag: AllowTag = False,  # noqa: FBT002
    ) -> None:
        """Write a pipeline as YAML, to upload to Kubeflow Pipelines; `run` runs the same that trains.

        With --image the YAML has to keep the rules that `lint` checks, or it isn't written.
        """
        if which is PipelineName.SCORE and (dataset or candidate or memory):
            raise typer.BadParameter("--dataset, --candidate and --memory are for --pipeline train")
        from compilation.compile import compile_to
        from compilation.datasets import MEMORY, parameters_of

        parameters: dict[str, Any] = {}
        if dataset:
            path = contract_of(dataset)
            contract = load_contract(path)
            memory = memory or MEMORY.get(contract.name)
            named = [str(name) for name in candidate or ()] or competing_in_image(
                contract, candidates, "Build one that has it, and name every candidate with --candidate."
            )
            parameters = parameters_of(path, contract, named)
        elif candidate:
            parameters["candidates"] = [str(name) for name in candidate]
        if image and which is PipelineName.TRAIN:
            parameters["code_revision"] = code_revision()
        compile_to(pipelines[which], output, image, allow_tag=allow_tag, memory=memory, parameters=parameters)
        print(_next_step(output, image))

    @app.command()
    def lint(
        files: Annotated[list[Path], typer.Argument(help="compiled pipelines", metavar="FILE…")],
        allow_tag: AllowTag = False,  # noqa: FBT002
    ) -> None:
        """Check compiled pipelines against the rules for clusters: images, limits, timeouts, caching, secrets, names.

        Each fault is named with its task, its rule, and how to put it right. Status: 0 none, 1 some.
        """
        from compilation.lint import RULES, findings
        from compilation.spec import CompiledPipeline

        broken = False
        for file in files:
            found = findings(CompiledPipeline.read(file), allow_tag=allow_tag)
            for finding in found:
                print(f"{file}: {finding}", file=sys.stderr)
            if not found:
                print(f"{file} keeps all {len(RULES)} rules" + (", but for tags" if allow_tag else ""))
            broken = broken or bool(found)
        raise typer.Exit(int(broken))


def competing_in_image(contract: Contract, every: Sequence[str], advice: str) -> list[str]:
    """The candidates that a run trains unless told otherwise; those that the image can't are named, with advice."""
    from compilation.datasets import competing

    chosen, left_out = competing(contract, every)
    if left_out:
        print(
            f"{', '.join(left_out)} is left out: the image doesn't have its library. {advice}",
            file=sys.stderr,
        )
    return chosen


def _next_step(output: Path, image: str | None) -> str:
    if image is None:
        from components.image import LOCAL_IMAGE

        return (
            f"{output} is ready for this machine: its tasks run {LOCAL_IMAGE}.\n"
            "For a cluster, name the image that was pushed: --image REPOSITORY@sha256:…"
        )
    return f"{output} is ready: upload it in the Kubeflow Pipelines UI, or let python pipeline.py submit do all of it."
