"""The commands that need no cluster: `run` the pipeline on this machine, `score` a file."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from components.publish import Mode as PublishMode
from contract.document import load_contract
from contract.schema import Contract
from local.workspace import LATEST, Workspace, code_revision, contract_of


class EffortName(StrEnum):
    """How much time a run may take: the same procedure, repeated more or less often."""

    QUICK = "quick"
    STANDARD = "standard"
    THOROUGH = "thorough"


def add_to(app: typer.Typer, pipelines: Mapping[str, Any], candidates: Sequence[str], candidate_names: Any) -> None:
    """Add `run` and `score`.

    A run trains a contract's candidates, else all `candidates`; `candidate_names` is an enumeration of those that may
    be named.
    """
    Candidate: Any = candidate_names  # noqa: N806  (a type, for typer)

    @app.command()
    def run(  # noqa: PLR0913, PLR0917
        dataset: Annotated[str, typer.Argument(help="a folder of datasets/, or the path of a contract.yaml")],
        output: Annotated[Path | None, typer.Option(help="where the run goes [default: runs/DATASET-TIME]")] = None,
        effort: Annotated[
            EffortName, typer.Option(help="quick: half a minute; standard: minutes; thorough: for numbers to publish")
        ] = EffortName.STANDARD,
        candidate: Annotated[
            list[Candidate] | None,
            typer.Option(help="a candidate to train; may stand several times [default: those of the contract, or all]"),
        ] = None,
        source: Annotated[
            list[str] | None,
            typer.Option(
                metavar="[NAME=]LOCATION",
                help="where the training table is, if not where the contract says; of a table of several files, each"
                " by its name in the contract",
            ),
        ] = None,
        publish: Annotated[
            PublishMode,
            typer.Option(help="champion: take its place if not worse; check: prove, compare, remain challenger"),
        ] = PublishMode.CHAMPION,
    ) -> None:
        """Run the whole pipeline on this machine, without a cluster, and publish the winner.

        MLflow is a database in runs/ unless MLFLOW_TRACKING_URI names another.
        """
        path = contract_of(dataset)
        chosen = [str(name) for name in candidate or ()] or competing(load_contract(path), candidates)
        choices = {"effort": effort.value, "candidates": chosen, "source": locations(source or ())}
        choices["publish_mode"] = publish.value
        run_here(pipelines["train"], path, output, choices)

    @app.command()
    def score(
        source: Annotated[Path, typer.Option("--input", help="the rows: CSV with a header, or Parquet")],
        output: Annotated[Path, typer.Option(help="where the answers go: .csv or .parquet")],
        bundle: Annotated[Path, typer.Option(help="the published model")] = LATEST / "bundle",
        refused: Annotated[
            Path | None, typer.Option(help="where refused rows are explained [default: OUTPUT with .refused.csv]")
        ] = None,
        strict: Annotated[bool, typer.Option("--strict", help="end with status 3 if a row was refused")] = False,  # noqa: FBT002
    ) -> None:
        """Answer every row of a file as the endpoint would, without a server.

        Columns may have the names of the contract or those of the table's files; others are ignored. A row that the
        endpoint would refuse is listed, with the reason, and all others are answered. Both files appear complete or
        not at all. Status: 0 answered, 1 wrong file, 3 no row was answered, or with --strict not every row.
        """
        from local.scoring import score_here, status_of

        counts = score_here(bundle, source, output, refused, Console())
        raise typer.Exit(status_of(counts, strict=strict))


def competing(contract: Contract, every: Sequence[str]) -> list[str]:
    """The candidates of a contract, or all; without those whose library isn't installed, which is said."""
    from components.learning.candidates import candidate_named

    chosen = [candidate_named(name) for name in contract.candidates or every]
    for left_out in [candidate for candidate in chosen if not candidate.is_available]:
        print(
            f"{left_out.name} is left out: {left_out.requires} isn't installed (make boosting installs it)",
            file=sys.stderr,
        )
    return [candidate.name for candidate in chosen if candidate.is_available]


def locations(given: Iterable[str]) -> dict[str, str]:
    """`--source` options as the pipeline's `source`, with paths that hold in every task here."""
    return {name: _absolute(location) for name, location in by_name(given).items()}


def by_name(given: Iterable[str]) -> dict[str, str]:
    """`--source` options as they were given: `NAME=LOCATION` under its name, a location alone under ""."""
    found = {}
    for item in given:
        name, separator, location = item.partition("=")
        found.update({name: location} if separator and name.isidentifier() else {"": item})
    return found


def _absolute(location: str) -> str:
    """A path here as one that holds in every task."""
    return location if "://" in location else str(Path(location).absolute())


def run_here(pipeline: Any, contract_path: Path, output: Path | None, choices: Mapping[str, object]) -> None:
    """Compile the pipeline and run that YAML; then show what came of it.

    `choices` are arguments of the pipeline: `effort`, `candidates`, `source`, `publish_mode`.
    """
    from compilation.compile import compile_to
    from local.progress import Progress
    from local.run import run_pipeline
    from local.summary import show

    contract = load_contract(contract_path)
    workspace = Workspace.create(contract.name, output)
    compile_to(pipeline, workspace.package)
    arguments: dict[str, object] = {
        "contract_path": str(contract_path),
        "experiment": contract.name,
        "code_revision": code_revision(),
        **choices,
    }
    console = Console()
    console.print(f"{contract.title}: effort {choices['effort']}, in {workspace.shown}", highlight=False)
    outputs = run_pipeline(
        workspace.package, arguments, workspace.directory, Progress(console), workspace.environment()
    )
    workspace.collect(outputs)
    show(console, workspace, outputs)
