"""Both runs: the same compiled pipeline with the same arguments, each with an MLflow of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compilation.compile import compile_to
from components import PROJECT
from components.learning.candidates import candidate_named
from contract.document import load_contract
from images.stages.checkout import check_code
from images.stages.comparison import MLFLOW
from images.stages.containers import Containers
from images.stages.errors import ImageUnfit, RunIncomplete
from images.stages.registry import ARTIFACTS, DATABASE
from images.stages.service import container_engine, image_named
from images.stages.tracking import tracking_server
from local.progress import Progress
from local.run import run_pipeline
from local.workspace import Workspace, code_revision, contract_of, shown
from pipeline import CANDIDATES, concord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


@dataclass(frozen=True)
class Choices:
    """What is run; `candidates` None is what the contract says, or all."""

    dataset: str
    effort: str
    candidates: Sequence[str] | None
    image: str

    def arguments(self) -> dict[str, Any]:
        """Of the pipeline.

        Raises `ContractError` if there is no such dataset, `ImageUnfit` if no image can have it, and `StageError` if
        there is no such candidate.
        """
        path = contract_of(self.dataset)
        if not path.is_relative_to(PROJECT / "datasets"):
            raise ImageUnfit(f"{path} isn't below datasets/, which is all that images have of tables.")
        contract = load_contract(path)
        candidates = [candidate_named(name).name for name in self.candidates or contract.candidates or CANDIDATES]
        return {
            "contract_path": str(path.relative_to(PROJECT)),
            "experiment": contract.name,
            "effort": self.effort,
            "candidates": candidates,
            "code_revision": code_revision(),
        }


@dataclass(frozen=True)
class Runs:
    """Where the runs are, and what each took as a whole."""

    package: Path
    processes: Path
    containers: Path
    comparison: Path
    seconds: dict[str, float]


def run_both(choices: Choices, output: Path | None, finished: Path | None, console: Console) -> Runs:
    """Run the pipeline as processes, unless that is `finished` already, and as containers.

    Raises:
        StagesError: a run can't be started.
        LocalRunError: a run failed.
    """
    arguments = choices.arguments()
    if finished is not None and not finished.is_dir():
        raise RunIncomplete(f"there is no run in {finished}; leave --processes out to make one.")
    workspace = Workspace.create(f"stages-{arguments['experiment']}", output)
    folder = workspace.directory
    runs = Runs(
        package=workspace.package,
        processes=finished or folder / "processes",
        containers=folder / "containers",
        comparison=folder / "comparison.json",
        seconds={},
    )
    with container_engine() as client:
        # What would fail does so before anything is computed.
        image = image_named(client, choices.image)
        check_code(client, image, Path(arguments["contract_path"]).parent)
        compile_to(concord, runs.package, choices.image, allow_tag=True)
        if finished is None:
            console.print(f"As processes, in {shown(runs.processes)}", highlight=False)
            began = time.monotonic()
            run_pipeline(runs.package, arguments, runs.processes, Progress(console), _environment(runs.processes))
            runs.seconds["subprocess"] = time.monotonic() - began
        console.print(f"Inside {choices.image}, in {shown(runs.containers)}", highlight=False)
        with tracking_server(client, image, runs.containers / MLFLOW) as tracking:
            environment = {"MLFLOW_TRACKING_URI": tracking.uri}
            engine = Containers(client, image, runs.package, network=tracking.network, environment=environment)
            began = time.monotonic()
            run_pipeline(runs.package, arguments, runs.containers, Progress(console), engine=engine)
            runs.seconds["container"] = time.monotonic() - began
    return runs


def _environment(directory: Path) -> dict[str, str]:
    """For processes: a database of their own, so that no champion of earlier runs takes part."""
    place = directory / MLFLOW
    place.mkdir(parents=True)
    return {
        "MLFLOW_TRACKING_URI": f"sqlite:///{place / DATABASE}",
        "CONCORD_ARTIFACT_LOCATION": (place / ARTIFACTS).as_uri(),
    }
