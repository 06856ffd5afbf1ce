"""Where runs on this machine lie: one directory a run, `runs/latest` for the newest, MLflow's database beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components import PROJECT
from contract.errors import UnreadableContract
from local.errors import DirectoryInUse

if TYPE_CHECKING:
    from local.outputs import Outputs

RUNS = Path(os.environ.get("CONCORD_RUNS") or PROJECT / "runs").absolute()
"""Where runs and MLflow's database go; CONCORD_RUNS moves it."""
LATEST = RUNS / "latest"

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Two candidates train at a time; more threads than that only get in each other's way."""


def contract_of(dataset: str) -> Path:
    """The contract of a dataset, by the name of its folder or by its path; `UnreadableContract` if there is none."""
    named = PROJECT / "datasets" / dataset / "contract.yaml"
    for path in (named, Path(dataset), Path(dataset) / "contract.yaml"):
        if path.is_file():
            return path.resolve()
    known = ", ".join(sorted(path.parent.name for path in PROJECT.glob("datasets/*/contract.yaml")))
    raise UnreadableContract(
        f"there is no dataset {dataset!r}; there are: {known}. A path of a contract.yaml will do too."
    )


def code_revision() -> str:
    """The commit of the project, with `-modified` where files differ from it; `unknown` outside a git checkout."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=-modified", "--exclude=*"],  # noqa: S607
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


@dataclass(frozen=True)
class Workspace:
    """The directory of one run."""

    directory: Path

    @classmethod
    def create(cls, dataset: str, output: Path | None) -> Workspace:
        """A new directory: `output`, or one below `runs/` named after dataset and time.

        Raises `DirectoryInUse` if it holds anything.
        """
        directory = (output or RUNS / f"{dataset}-{time.strftime('%Y%m%d-%H%M%S')}").absolute()
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise DirectoryInUse(f"{directory} isn't empty; name a new directory, so that no run is overwritten.")
        directory.mkdir(parents=True, exist_ok=True)
        return cls(directory)

    @property
    def package(self) -> Path:
        """The compiled pipeline that is run."""
        return self.directory / "pipeline.yaml"

    @property
    def bundle(self) -> Path:
        """The bundle that the run made."""
        return self.directory / "bundle"

    @property
    def report(self) -> Path:
        """The report of the run."""
        return self.directory / "report.html"

    @property
    def shown(self) -> str:
        """The directory as a person here would type it."""
        return shown(self.directory)

    def environment(self) -> dict[str, str]:
        """What the tasks need to know; MLflow is a database in `runs/` unless the environment names another."""
        if os.environ.get("MLFLOW_TRACKING_URI"):
            return _ONE_THREAD
        RUNS.mkdir(exist_ok=True)
        return {
            **_ONE_THREAD,
            "MLFLOW_TRACKING_URI": f"sqlite:///{RUNS / 'mlflow.db'}",
            "CONCORD_ARTIFACT_LOCATION": (RUNS / "mlflow-artifacts").as_uri(),
        }

    def collect(self, outputs: Outputs) -> None:
        """Put what people look for at the top of the directory, and point `runs/latest` at it."""
        shutil.copytree(outputs.artifact("package", "bundle"), self.bundle)
        shutil.copyfile(outputs.artifact("report", "page"), self.report)
        RUNS.mkdir(exist_ok=True)
        pointer = RUNS / f".latest-{os.getpid()}"
        pointer.symlink_to(os.path.relpath(self.directory, RUNS))
        pointer.replace(LATEST)


def shown(path: Path) -> str:
    """A path relative to where the user is, if that is shorter."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)
