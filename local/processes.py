"""Tasks as processes of this machine, in this Python environment: what KFP calls its subprocess runner."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kfp import local as kfp_local
from kfp.local import subprocess_task_handler

from local import child
from local.execution import NotStarted
from local.runner import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    from local.execution import RunTask

# ru_maxrss is in KiB, but in bytes on macOS.
_MEMORY_UNITS_PER_MIB = 1024**2 if sys.platform == "darwin" else 1024


class Processes:
    """Executes each task in a process of its own, which has the environment of this one and more.

    The project's root is put in front of the processes' `PYTHONPATH`.

    Where KFP (2.17) offers no setting, functions of its modules are replaced for the time of a run:
    `run_local_subprocess` merges the output of all tasks into one stream, and `replace_python_executable` replaces the
    text "python3" also in paths and values passed to a task; ours don't.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or {})

    @contextlib.contextmanager
    def runner(self, run_task: RunTask, scratch: Path) -> Iterator[object]:
        """See `local.execution.Engine`."""

        def run_local_subprocess(full_command: list[str], env_vars: dict[str, str] | None = None) -> int:
            # KFP leaves a file with the code of each task in the temporary directory.
            environment = {"TMPDIR": str(scratch), **self._environment, **(env_vars or {})}
            return run_task(full_command, lambda: _running(full_command, environment))

        with (
            replaced(subprocess_task_handler, "run_local_subprocess", run_local_subprocess),
            replaced(subprocess_task_handler, "replace_python_executable", _replace_python),
        ):
            yield kfp_local.SubprocessRunner(use_venv=False)


def _replace_python(full_command: list[str], executable: str) -> list[str]:
    """Let the shell program of a task's command, which comes before the task's code, use this interpreter."""
    code = next(i for i, part in enumerate(full_command) if '"$program_path/ephemeral_component.py"' in part) + 1
    program = [part.replace("python3", shlex.quote(executable)) for part in full_command[:code]]
    return [*program, *full_command[code:]]


@contextlib.contextmanager
def _running(command: list[str], environment: Mapping[str, str]) -> Iterator[_Process]:
    """Start a command; at the end wait until it has ended. Raises `NotStarted`."""
    report, report_writer = os.pipe()
    with os.fdopen(report, "rb") as report_file:
        try:
            process = subprocess.Popen(  # noqa: S603  (running the pipeline's commands is what this is for)
                [sys.executable, "-I", "-S", child.__file__, str(report_writer), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[report_writer],
                env=_child_environment(environment),
                start_new_session=True,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            hint = " (pass a value of more than 100 kB as an artifact)" if error.errno == errno.E2BIG else ""
            raise NotStarted(f"{error.strerror}{hint}") from None
        finally:
            os.close(report_writer)
        with process:
            yield _Process(process, report_file)


class _Process:
    def __init__(self, process: subprocess.Popen[str], report: BinaryIO) -> None:
        self._process = process
        self._report = report

    def lines(self) -> Iterator[str]:
        # Its end tells that the last process of the task has ended; `yield from` would close it with the generator.
        return iter(self._process.stdout or ())

    def result(self) -> tuple[int, float | None]:
        self._process.wait()
        measured = self._report.read().split()
        if not measured:
            return self._process.returncode or -signal.SIGKILL, None
        return int(measured[0]), round(int(measured[1]) / _MEMORY_UNITS_PER_MIB, 1)

    def stop(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    merged = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
    project = str(Path(__file__).resolve().parent.parent)
    merged["PYTHONPATH"] = os.pathsep.join(filter(None, (project, merged.get("PYTHONPATH"))))
    return merged
