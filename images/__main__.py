"""`python -m images`: build the images, prove the predictor's, list what is in them."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path  # noqa: TC003  # typer reads it
from typing import Annotated

import typer

from components import PROJECT
from components.errors import StageError
from contract.errors import ContractError
from images.errors import ImagesError
from images.stages.errors import StagesError


class Target(StrEnum):
    """A target of the Dockerfile that becomes an image."""

    PREDICTOR = "predictor"
    PIPELINE = "pipeline"


app = typer.Typer(
    help="The images: build them, prove the predictor's, list what is in them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

_Targets = Annotated[list[Target] | None, typer.Option(help="Only this one; may stand several times.")]


@app.command()
def build(
    *,
    base: Annotated[
        str | None, typer.Option(help="The base instead of the Dockerfile's; a release names it by digest.")
    ] = None,
    target: _Targets = None,
) -> None:
    """Build the images; print the size of each, unpacked, and the seconds that it took."""
    from images.build import build as build_targets

    built = build_targets([item.value for item in target or Target], base, _say)
    print("\n".join(map(str, built)))


@app.command()
def prove(
    *,
    bundle: Annotated[Path, typer.Option(help="Directory of the bundle to serve; make run makes one.")],
    image: Annotated[str | None, typer.Option(help="The predictor's image instead of the one that was built.")] = None,
) -> None:
    """Run the predictor's image as a cluster would, and check that it does what it must, and nothing else."""
    from images.build import PREDICTOR_IMAGE
    from images.proof import prove_predictor

    name = image or PREDICTOR_IMAGE
    print(f"{name}: {prove_predictor(bundle, name)}")


@app.command()
def sbom(*, target: _Targets = None) -> None:
    """Write what is in each image to build/sbom, as CycloneDX."""
    from images.build import BUILD, TARGETS, directory
    from images.inventory import describe

    for item in target or Target:
        name = TARGETS[item.value]
        document = describe(name)
        directory(BUILD)
        file = BUILD / "sbom" / f"{name.partition(':')[0]}.cdx.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(document, encoding="utf-8")
        print(file.relative_to(PROJECT))


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    """Run a command; exits with 1 and one line, or a few of a log, for what goes wrong."""
    try:
        app(prog_name="python -m images")
    except (ImagesError, StagesError, StageError, ContractError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
