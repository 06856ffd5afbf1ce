"""The command line of the pipeline: compile it for a cluster, or run it here."""

import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from components.errors import StageError
from contract.document import load_contract
from contract.errors import ContractError
from local.errors import LocalRunError
from local.workspace import Workspace, code_revision, contract_of


class EffortName(StrEnum):
    """How much time a run may take: the same procedure, repeated more or less often."""

    QUICK = "quick"
    STANDARD = "standard"
    THOROUGH = "thorough"


def command_line(pipeline: Any, candidates: list[str]) -> Callable[[], None]:
    """The commands around a pipeline and the candidates that it knows.

    An error of ours is one message on stderr and status 1.
    """
    Candidate: Any = StrEnum("Candidate", [(name, name) for name in candidates])  # type: ignore[misc]  # noqa: N806
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="From a table to a published model. Try: python pipeline.py run heart",
    )

    @app.command()
    def compile(  # noqa: A001  (the verb that KFP's users know)
        output: Annotated[Path, typer.Option(help="the YAML file to write")],
    ) -> None:
        """Write the pipeline as YAML, to upload to Kubeflow Pipelines; `run` runs the same."""
        compile_to(pipeline, output)
        print(f"{output} is ready: upload it in the Kubeflow Pipelines UI.")

    @app.command()
    def run(
        dataset: Annotated[str, typer.Argument(help="a folder of datasets/, or the path of a contract.yaml")],
        output: Annotated[Path | None, typer.Option(help="where the run goes [default: runs/DATASET-TIME]")] = None,
        effort: Annotated[
            EffortName, typer.Option(help="quick: half a minute; standard: minutes; thorough: for numbers to publish")
        ] = EffortName.STANDARD,
        candidate: Annotated[
            list[Candidate] | None,
            typer.Option(help="a candidate to train; may stand several times [default: all]"),
        ] = None,
    ) -> None:
        """Run the whole pipeline on this machine, without a cluster, and publish the winner.

        MLflow is a database in runs/ unless MLFLOW_TRACKING_URI names another.
        """
        run_here(pipeline, contract_of(dataset), output, effort.value, [str(name) for name in candidate or ()])

    def guarded() -> None:
        try:
            app()
        except (LocalRunError, StageError, ContractError) as error:
            print(error, file=sys.stderr)
            sys.exit(1)
        except KeyboardInterrupt:
            sys.exit(130)

    return guarded


def compile_to(pipeline: Any, output: Path) -> None:
    """Compile into a file; the same code gives the same bytes."""
    from kfp import compiler

    output.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(pipeline, str(output))


def run_here(pipeline: Any, contract_path: Path, output: Path | None, effort: str, candidates: list[str]) -> None:
    """Compile the pipeline and run that YAML; then show what came of it."""
    from local.progress import Progress
    from local.run import run_pipeline
    from local.summary import show

    contract = load_contract(contract_path)
    workspace = Workspace.create(contract.name, output)
    compile_to(pipeline, workspace.package)
    arguments: dict[str, object] = {
        "contract_path": str(contract_path),
        "experiment": contract.name,
        "effort": effort,
        "code_revision": code_revision(),
        **({"candidates": candidates} if candidates else {}),
    }
    console = Console()
    console.print(f"{contract.title}: effort {effort}, in {workspace.shown}", highlight=False)
    outputs = run_pipeline(
        workspace.package, arguments, workspace.directory, Progress(console), workspace.environment()
    )
    workspace.collect(outputs)
    show(console, workspace, outputs)
