"""KFP's local runner, made quiet, thread-safe and free of traces in this process.

Where KFP (2.17) offers no setting, functions of its modules are replaced for the time of a run:

- `run_local_subprocess` merges the output of all tasks into one stream; the caller's function runs each task instead.
- `replace_python_executable` replaces the text "python3" also in paths and values passed to a task; ours doesn't.
- `indented_print` and `local_logger_context` replace `print` and the log's handlers for the whole process, and as two
  iterations of a loop do so at once, for good; they are switched off, and KFP's messages go to one file.
"""

from __future__ import annotations

import contextlib
import logging
import shlex
import threading
import warnings
from typing import TYPE_CHECKING

from kfp import local as kfp_local
from kfp.local import config, logging_utils, subprocess_task_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# KFP's configuration, and what is replaced below, belong to the whole process.
_ONE_RUN_AT_A_TIME = threading.Lock()


@contextlib.contextmanager
def local_runner(
    run_task: Callable[[list[str], dict[str, str] | None], int], *, artifacts: Path, workspace: Path, log: Path
) -> Iterator[None]:
    """While inside, calling a pipeline runs it on this machine, each task by `run_task`, which returns its exit code.

    Args:
        run_task: takes a task's command and its environment variables; may be called by two threads at once.
        artifacts: where the tasks' outputs go.
        workspace: the directory that the tasks share; KFP deletes it at the end.
        log: where KFP's own messages go.
    """
    with _ONE_RUN_AT_A_TIME, contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", module=r"kfp\.")

        handler = stack.enter_context(contextlib.closing(logging.FileHandler(log, encoding="utf-8")))
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        root = logging.getLogger()
        stack.callback(root.setLevel, root.level)
        root.setLevel(logging.INFO)
        _replace(stack, root, "handlers", [handler])

        _replace(stack, subprocess_task_handler, "run_local_subprocess", _with_keywords(run_task))
        _replace(stack, subprocess_task_handler, "replace_python_executable", _replace_python)
        _replace(stack, logging_utils, "local_logger_context", contextlib.nullcontext)
        _replace(stack, logging_utils, "indented_print", contextlib.nullcontext)
        _replace(stack, logging_utils, "print_horizontal_line", lambda: None)
        _replace(stack, logging_utils, "color_text", lambda text, _color: text)
        _replace(stack, config.LocalExecutionConfig, "instance", None)
        runner = kfp_local.SubprocessRunner(use_venv=False)
        kfp_local.init(runner, pipeline_root=str(artifacts), workspace_root=str(workspace))
        yield


def _replace(stack: contextlib.ExitStack, owner: object, name: str, value: object) -> None:
    stack.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _with_keywords(run_task: Callable[[list[str], dict[str, str] | None], int]) -> Callable[..., int]:
    def run_local_subprocess(full_command: list[str], env_vars: dict[str, str] | None = None) -> int:
        return run_task(full_command, env_vars)

    return run_local_subprocess


def _replace_python(full_command: list[str], executable: str) -> list[str]:
    """Let the shell program of a task's command, which comes before the task's code, use this interpreter."""
    code = next(i for i, part in enumerate(full_command) if '"$program_path/ephemeral_component.py"' in part) + 1
    program = [part.replace("python3", shlex.quote(executable)) for part in full_command[:code]]
    return [*program, *full_command[code:]]
