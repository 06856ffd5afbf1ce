"""Runs a compiled pipeline on this machine, with a log file for each task and errors that name their cause."""

from local.errors import (
    DirectoryInUse,
    InvalidArguments,
    LocalRunError,
    MissingOutput,
    PipelineUnreadable,
    PipelineUnsupported,
    RunnerFailed,
    TaskFailed,
)
from local.outputs import Outputs, TaskRecord
from local.progress import Progress
from local.run import run_pipeline

__all__ = [
    "DirectoryInUse",
    "InvalidArguments",
    "LocalRunError",
    "MissingOutput",
    "Outputs",
    "PipelineUnreadable",
    "PipelineUnsupported",
    "Progress",
    "RunnerFailed",
    "TaskFailed",
    "TaskRecord",
    "run_pipeline",
]
