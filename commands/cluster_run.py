"""What a run on a cluster is made of: the compiled pipeline, its version, and what it is told; with their options."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.compilation import competing_in_image
from commands.here import EffortName, by_name
from contract.document import load_contract
from local.workspace import code_revision, contract_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from submission.connection import Connection
    from submission.package import Package
    from submission.versions import Uploaded

Connect = Callable[[], Any]
"""Makes the connection (see `commands.endpoint`); typed loosely, as the SDK is imported only when it is used."""
Dataset = Annotated[str, typer.Argument(help="a folder of datasets/, as it is in the image")]
Image = Annotated[
    str | None,
    typer.Option(envvar="CONCORD_PIPELINE_IMAGE", metavar="REPO@sha256:…", help="the image of the tasks, by digest"),
]
AllowTag = Annotated[bool, typer.Option("--allow-tag", help="let the image be named by a tag, which may move")]
Memory = Annotated[str | None, typer.Option(help="of tasks that hold the whole table, such as 8Gi")]
Effort = Annotated[EffortName, typer.Option(help="quick, standard or thorough, as for run")]
Candidates = Annotated[
    list[str] | None,
    typer.Option("--candidate", help="a candidate to train; several times [default: those of the contract, or all]"),
]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source", metavar="[NAME=]ADDRESS", help="where the training table is (https://, s3://), as for run"
    ),
]
Experiment = Annotated[str | None, typer.Option(help="what the run is listed under [default: the dataset's name]")]
ServiceAccount = Annotated[
    str | None, typer.Option(help="whose rights the tasks have [default: the server's, such as pipeline-runner]")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="compute every task anew, in a version of its own")]


@dataclass(frozen=True)
class Training:
    """What is to be trained: the compiled pipeline, and its parameters for one dataset.

    Attributes:
        name: the dataset's.
        remark: what its version's name says beside the commit.
    """

    name: str
    package: Package
    parameters: dict[str, Any]
    remark: str


@contextmanager
def training(  # noqa: PLR0913  (an option each)
    pipeline: Any,
    dataset: str,
    image: str | None,
    *,
    effort: EffortName,
    candidates: Iterable[str],
    sources: Iterable[str],
    no_cache: bool,
    allow_tag: bool,
    memory: str | None,
) -> Iterator[Training]:
    """A dataset's training, whose YAML is there while the context lasts.

    Raises `UnusableArguments` or a `CompilationError` for what a cluster couldn't find or run.
    """
    from compilation.datasets import MEMORY, parameters_of
    from components.learning.candidates import candidate_named

    path = contract_of(dataset)
    contract = load_contract(path)
    memory = memory or MEMORY.get(contract.name)
    defaults = revision_of_code()
    with compiled(pipeline, image, allow_tag=allow_tag, memory=memory, parameters=defaults) as package:
        chosen = [candidate_named(name).name for name in candidates] or competing_in_image(
            contract, package.default("candidates"), "If yours has it, name every candidate with --candidate."
        )
        parameters = {
            **parameters_of(path, contract, chosen),
            "effort": effort.value,
            "source": _addresses(sources),
            **defaults,
        }
        made = package.without_cache() if no_cache else package
        yield Training(contract.name, made, parameters, "no-cache" if no_cache else "")


@contextmanager
def compiled(
    pipeline: Any, image: str | None, *, allow_tag: bool, memory: str | None, parameters: Mapping[str, Any]
) -> Iterator[Package]:
    """A pipeline as YAML, with defaults of its parameters, which is there while the context lasts."""
    from compilation.compile import compile_to
    from submission.package import Package

    if not image:
        raise typer.BadParameter(
            "name the image of the tasks: --image REPOSITORY@sha256:… or CONCORD_PIPELINE_IMAGE", param_hint="--image"
        )
    with tempfile.TemporaryDirectory(prefix="concord-") as folder:
        path = Path(folder) / "pipeline.yaml"
        compile_to(pipeline, path, image, allow_tag=allow_tag, memory=memory, parameters=parameters)
        yield Package.read(path)


def revision_of_code() -> dict[str, Any]:
    """The parameter of the training pipeline that says which code it is; a default too, for runs begun in the UI."""
    return {"code_revision": code_revision()}


def _addresses(sources: Iterable[str]) -> dict[str, str]:
    """`--source` options as the pipeline's `source`: addresses that a cluster can read."""
    from submission.errors import UnusableArguments

    found = by_name(sources)
    for address in found.values():
        if "://" not in address:
            raise UnusableArguments(
                f"{address!r} is a path of this machine, which no task on a cluster can read: upload the table and "
                "name its address (https:// or s3://)."
            )
    return found


def uploaded(connection: Connection, package: Package, remark: str = "") -> Uploaded:
    """The package's version on the server; says which it is."""
    from submission.versions import upload, version_name

    version = upload(connection, package, version_name(code_revision(), package.digest, remark))
    known = "" if version.is_new else ", which was there already"
    print(
        f"Pipeline {version.pipeline} ({version.pipeline_id})\n"
        f"Version  {version.version} ({version.version_id}){known}\n         {version.link}",
        flush=True,
    )
    return version
