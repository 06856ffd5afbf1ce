"""KFP's local runner, made quiet, thread-safe and free of traces in this process.

Where KFP (2.17) offers no setting, functions of its modules are replaced for the time of a run:

- what runs a task: see the engine, such as `local.processes.Processes`.
- `indented_print` and `local_logger_context` replace `print` and the log's handlers for the whole process, and as two
  iterations of a loop do so at once, for good; they are switched off, and KFP's messages go to one file.
- between two attempts of a task it sleeps for as long as a cluster should wait for a node or a server to come back;
  here somebody is looking on, and what is elsewhere has a second.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING

from kfp import local as kfp_local
from kfp.local import config, logging_utils
from kfp.local.orchestrator import task_executor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

# KFP's configuration, and what is replaced below, belong to the whole process.
_ONE_RUN_AT_A_TIME = threading.Lock()

_LONGEST_WAIT = 1.0  # seconds between two attempts


@contextlib.contextmanager
def local_runner(
    runner: AbstractContextManager[object], *, artifacts: Path, workspace: Path, log: Path
) -> Iterator[None]:
    """While inside, calling a pipeline runs it on this machine.

    Args:
        runner: an engine's runner.
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
        for owner, name, value in (
            (root, "handlers", [handler]),
            (logging_utils, "local_logger_context", contextlib.nullcontext),
            (logging_utils, "indented_print", contextlib.nullcontext),
            (logging_utils, "print_horizontal_line", lambda: None),
            (logging_utils, "color_text", lambda text, _color: text),
            (task_executor, "time", SimpleNamespace(sleep=_sleep)),
            (config.LocalExecutionConfig, "instance", None),
        ):
            stack.enter_context(replaced(owner, name, value))
        kfp_local.init(stack.enter_context(runner), pipeline_root=str(artifacts), workspace_root=str(workspace))
        yield


def _sleep(seconds: float) -> None:
    time.sleep(min(seconds, _LONGEST_WAIT))


@contextlib.contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """While inside, an attribute of a module, class or object has another value."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
