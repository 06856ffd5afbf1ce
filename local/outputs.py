"""What a run left on disk."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from local.errors import MissingOutput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ARTIFACTS = "artifacts"
LOGS = "logs"
RUNNER_LOG = "runner.log"
_EXECUTOR_OUTPUT = "executor_output.json"
_TASKS = "tasks.json"

T = TypeVar("T")


@dataclass(frozen=True)
class TaskRecord:
    """What one task cost.

    Attributes:
        task: the task as the progress view names it, e.g. `Train · svm`.
        component: its name in the directory of artifacts, e.g. `train`.
        attempts: how often it was tried.
        duration_seconds: wall-clock time of all attempts together.
        peak_memory_mib: peak resident memory of its largest process (not the sum over its processes), in the
            hungriest attempt; None if it ended before that could be measured.
        log: the name of its log file below `logs`.
    """

    task: str
    component: str
    state: Literal["done", "failed", "stopped"]
    attempts: int
    duration_seconds: float
    peak_memory_mib: float | None
    log: str


def write_records(directory: Path, records: Sequence[TaskRecord]) -> None:
    """Write the records of the run in `directory` to `logs/tasks.json`."""
    text = json.dumps([asdict(record) for record in records], indent=2, ensure_ascii=False)
    (directory / LOGS / _TASKS).write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Outputs:
    """The artifacts and parameters that the tasks of a run wrote, and what each task cost.

    A component's name is the one KFP gives it: that of its function with dashes, and for the second task made from it
    `-2` at the end. Underscores are accepted as well.
    """

    directory: Path
    tasks: tuple[TaskRecord, ...]

    @classmethod
    def at(cls, directory: Path) -> Outputs:
        """Open the outputs of a run in `directory`, now or later.

        Raises:
            MissingOutput: there is no run.
        """
        if not (directory / ARTIFACTS).is_dir():
            msg = f"There is no run in {directory}: it has no directory '{ARTIFACTS}'."
            raise MissingOutput(msg)
        records = directory / LOGS / _TASKS
        entries = json.loads(records.read_text(encoding="utf-8")) if records.exists() else []
        return cls(directory, tuple(TaskRecord(**entry) for entry in entries))

    def artifact(self, component: str, output: str) -> Path:
        """Return the only artifact of this name; MissingOutput if there is none, or one for each iteration."""
        return _only(self.artifacts(component, output), component, output, "artifacts")

    def artifacts(self, component: str, output: str) -> list[Path]:
        """Return the artifact of each iteration in the iterations' order; MissingOutput if there is none."""
        found = [task / output for task in self._executions(component) if (task / output).exists()]
        return found or self._missing(component, output)

    def parameter(self, component: str, output: str = "Output") -> Any:
        """Return the only output parameter of this name; MissingOutput if there is none, or one for each iteration."""
        return _only(self.parameters(component, output), component, output, "parameters")

    def parameters(self, component: str, output: str = "Output") -> list[Any]:
        """Return the output parameter of each iteration in the iterations' order; MissingOutput if there is none."""
        written = [_parameters(task) for task in self._executions(component)]
        found = [parameters[output] for parameters in written if output in parameters]
        return found or self._missing(component, output)

    def _executions(self, component: str) -> list[Path]:
        name = component.replace("_", "-")
        below = self.directory / ARTIFACTS
        # <pipeline>-<time>/[<loop>-iteration-<index>/]<component>/
        found = [path.parent for path in below.glob(f"*/**/{name}/{_EXECUTOR_OUTPUT}")]
        return sorted(found, key=lambda path: iterations(path.relative_to(below).parts[1:-1]))

    def _missing(self, component: str, output: str) -> list[Any]:
        exists: set[str] = set()
        for written in (self.directory / ARTIFACTS).rglob(_EXECUTOR_OUTPUT):
            files = {path.name for path in written.parent.iterdir()} - {_EXECUTOR_OUTPUT}
            exists.update(f"{written.parent.name}/{name}" for name in files | _parameters(written.parent).keys())
        names = ", ".join(sorted(exists)) or "nothing"
        msg = f"The run in {self.directory} has no output '{component}/{output}'. It has: {names}."
        raise MissingOutput(msg)


def iterations(directories: Sequence[str]) -> tuple[int, ...]:
    """Return the indices in KFP's names of iterations, such as `for-loop-1-iteration-0`."""
    return tuple(int(name.rpartition("-iteration-")[2]) for name in directories)


def _parameters(task: Path) -> dict[str, Any]:
    written = json.loads((task / _EXECUTOR_OUTPUT).read_text(encoding="utf-8"))
    return dict(written.get("parameterValues", {}))


def _only(found: list[T], component: str, output: str, every: str) -> T:
    if len(found) > 1:
        msg = f"There are {len(found)} outputs '{component}/{output}', one for each iteration: use {every}()."
        raise MissingOutput(msg)
    return found[0]
