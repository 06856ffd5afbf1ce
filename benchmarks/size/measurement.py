"""What a stage costs, and how that grows with the rows."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.serving.errors import BenchmarkError
from components import PROJECT
from local import child

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_MEMORY_UNITS_PER_MIB = 1024**2 if sys.platform == "darwin" else 1024
_ABOVE_START = 0.2
"""A cost says how it grows only where it is this share above that of starting."""


class StageFailed(BenchmarkError):
    """A stage can't be measured, because it fails."""


@dataclass(frozen=True)
class Cost:
    """Of one process, its start included.

    Attributes:
        seconds: by the clock.
        processor_seconds: of all its threads; what else runs on the machine hardly changes them.
        peak_mib: the largest resident memory.
    """

    seconds: float
    processor_seconds: float
    peak_mib: float


def measure(command: Sequence[str]) -> Cost:
    """Run a Python module with arguments as a process of its own. Raises `StageFailed` if it fails."""
    reading, writing = os.pipe()
    began, before = time.perf_counter(), _processor_seconds()
    try:
        ended = subprocess.run(  # noqa: S603  (the stages that are named here)
            [sys.executable, str(child.__file__), str(writing), sys.executable, "-m", *command],
            cwd=PROJECT,
            pass_fds=(writing,),
            capture_output=True,
            text=True,
            check=False,
        )
        seconds, processor_seconds = time.perf_counter() - began, _processor_seconds() - before
        os.close(writing)
        status, peak = (int(part) for part in os.read(reading, 100).split() or (ended.returncode or 1, 0))
    finally:
        os.close(reading)
    if status:
        last = ended.stderr.strip().splitlines() or ["no message"]
        raise StageFailed(f"{' '.join(command)} ended with status {status}: {last[-1]}")
    return Cost(seconds, processor_seconds, peak / _MEMORY_UNITS_PER_MIB)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def make_bundle(directory: Path, rows: Path) -> Path:
    """The bundle of a logistic regression, learnt from these rows by the pipeline itself. Raises `StageFailed`."""
    run = directory / "run"
    done = subprocess.run(  # noqa: S603  (this project's own program)
        [
            *(sys.executable, "pipeline.py", "run", "porto_seguro", "--effort", "quick"),
            *("--candidate", "logistic-regression", "--source", str(rows), "--output", str(run)),
        ],
        cwd=PROJECT,
        env={**os.environ, "CONCORD_RUNS": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StageFailed(f"no model to score with could be trained: {(done.stderr or done.stdout).strip()}")
    return run / "bundle"


def exponent(costs: Mapping[int, float], start: float) -> float | None:
    """The k for which costs grow as rows**k, by least squares on logarithms: 1 is linear.

    `costs` are by number of rows; `start` is what no rows at all would cost, and is taken off. None where fewer than
    two costs stand out from it.
    """
    above = {rows: cost - start for rows, cost in costs.items() if cost - start >= _ABOVE_START * start}
    if len(above) < 2:  # noqa: PLR2004  (a line has two points)
        return None
    return float(np.polyfit(np.log(list(above)), np.log(list(above.values())), 1)[0])
