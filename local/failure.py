"""Why a task's process ended, from its exit code and what it printed.

KFP's local runner passes neither the exception nor the exit code on: they exist only here.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass

_HEADER = "Traceback (most recent call last):"
_EXCEPTION = re.compile(r"(?P<type>[\w.<>]+)(?:: ?(?P<message>.*))?")
_UNCAUGHT_EXCEPTION = 1
_SHELL_SIGNAL_BASE = 128


@dataclass(frozen=True)
class Failure:
    """`exception_type` is None, and `traceback` empty, if the process left no traceback."""

    exception_type: str | None
    reason: str
    traceback: str


def explain(exit_code: int, output: str) -> Failure:
    """Explain a process that ended with `exit_code` (not 0; negative: by that signal) after it printed `output`."""
    lines = output.rstrip().splitlines()
    # The task's shell reports a signal that ended the interpreter as 128 + its number.
    number = -exit_code if exit_code < 0 else exit_code - _SHELL_SIGNAL_BASE
    if number in set(signal.Signals):
        name = signal.Signals(number).name
        hint = "; most often that is because the machine ran out of memory" if name == "SIGKILL" else ""
        return Failure(None, f"its process was ended by the signal {name}{hint}", "")
    if exit_code == _UNCAUGHT_EXCEPTION and (failure := _from_traceback(lines)):
        return failure
    last = f"; the last line it printed: {lines[-1]}" if lines else " and printed nothing"
    return Failure(None, f"its process ended with exit code {exit_code}, without a traceback{last}", "")


def _from_traceback(lines: list[str]) -> Failure | None:
    """Read the last traceback: a chain of exceptions prints the one that ended the process last."""
    start = next((index for index in reversed(range(len(lines))) if lines[index] == _HEADER), None)
    if start is None:
        return None
    end = next((index for index in range(start + 1, len(lines)) if not lines[index].startswith(" ")), len(lines) - 1)
    exception = _EXCEPTION.fullmatch(lines[end])
    if exception is None:
        return None
    message = "\n".join([exception["message"] or "", *lines[end + 1 :]])
    return Failure(exception["type"].rpartition(".")[2], message.strip(), "\n".join(lines[start:]))
