"""What can go wrong when a compiled pipeline runs on this machine.

LocalRunError
├── PipelineUnreadable    the file isn't a compiled pipeline
├── PipelineUnsupported   KFP's local runner would compute something wrong from it
├── InvalidArguments      the arguments don't fit the pipeline's parameters
├── DirectoryInUse        the directory already holds a run
├── TaskFailed            a task of the pipeline failed
├── RunnerFailed          KFP's local runner failed, between two tasks
└── MissingOutput         a finished run has no such output
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class LocalRunError(Exception):
    """Base of everything this package raises; its text is written for the person who started the run."""


class PipelineUnreadable(LocalRunError):
    """The file isn't a compiled pipeline."""


class PipelineUnsupported(LocalRunError):
    """The pipeline is valid, but KFP's local runner would silently compute something else than a cluster."""


class InvalidArguments(LocalRunError):
    """The arguments don't fit the parameters which the pipeline declares."""


class DirectoryInUse(LocalRunError):
    """The directory already holds a run, whose logs and outputs would mix with those of a new one."""


class TaskFailed(LocalRunError):
    """A task of the pipeline failed.

    Attributes:
        task: the task as the progress view names it, e.g. `Train · svm`.
        exception_type: name of the exception that ended the task; None if it ended without a traceback.
        reason: the exception's whole message; without a traceback, how the task ended.
        traceback: the task's own last traceback; empty if it left none.
        log: the file with everything the task printed.
    """

    def __init__(self, *, task: str, exception_type: str | None, reason: str, traceback: str, log: Path) -> None:
        self.task = task
        self.exception_type = exception_type
        self.reason = reason
        self.traceback = traceback
        self.log = log
        what = ": ".join(part for part in (exception_type, reason) if part)
        super().__init__(f"The task '{task}' failed: {what}\nIts whole log: {log}")


class RunnerFailed(LocalRunError):
    """KFP's local runner failed although no task did."""


class MissingOutput(LocalRunError):
    """A run has no such output; the message names those it has."""
