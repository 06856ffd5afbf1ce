"""`python -m benchmarks.size`: time and memory of each stage before training and of scoring, by rows of the table.

The rows are made up, of the shape of Porto Seguro's table (57 features). Each stage runs as a process of its own, as
the pipeline runs it. Training isn't measured: it has a budget of seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.serving.errors import BenchmarkError
from benchmarks.size.measurement import Cost, exponent, make_bundle, measure
from benchmarks.size.picture import draw
from benchmarks.size.stages import BUNDLE, ROWS, STAGES, make_rows
from components import PROJECT
from contract.bundle import verify
from contract.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Sequence

    Costs = dict[str, dict[int, Cost]]

SIZES = (10_000, 100_000, 600_000, 2_000_000)
START_ROWS = 1_000
"""So few rows cost next to nothing: what a stage then takes is its start, mostly imports."""
MODEL_ROWS = 20_000
"""Enough for a model to reach the floors of the contract."""
PICTURE = PROJECT / "docs" / "size.png"
_WIDTHS = (11, 10, 11, 10, 17, 10)


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 measured, 1 a stage failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.size", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES, help="sizes of the table (default: %(default)s)")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where to draw it (default: docs/size.png)")
    parser.add_argument("--bundle", type=Path, help="score with this model of the table, instead of training one")
    parser.add_argument("--scratch", type=Path, help="a folder for the tables, which take 0.4 GB a million rows")
    options = parser.parse_args(arguments)
    sizes = sorted({START_ROWS, *options.rows})
    try:
        if options.bundle:
            verify(options.bundle)
        with tempfile.TemporaryDirectory(prefix="concord-size-", dir=options.scratch) as scratch:
            costs = _measured(sizes, Path(scratch), options.bundle)
    except (BenchmarkError, ContractError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(report(costs)))
    draw(
        {stage: {rows: cost for rows, cost in found.items() if rows != START_ROWS} for stage, found in costs.items()},
        options.picture,
    )
    return 0


def _measured(sizes: Sequence[int], scratch: Path, bundle: Path | None) -> Costs:
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    print(f"{cores} cores, load {load:.1f}{'' if load < 1 else ': busy, so that seconds by the clock are too high'}")
    if bundle is None:
        _say("training a model to score with")
        make_rows(scratch / "learning.csv", MODEL_ROWS)
        bundle = make_bundle(scratch, scratch / "learning.csv")
    costs: Costs = {stage: {} for stage in STAGES}
    for rows in sizes:
        with tempfile.TemporaryDirectory(dir=scratch) as place:
            folder = Path(place)
            (folder / BUNDLE).symlink_to(bundle.resolve())
            make_rows(folder / ROWS, rows)
            for stage in STAGES:
                _say(f"{rows:,} rows: {stage}")
                costs[stage][rows] = measure(["benchmarks.size.stages", stage, str(folder)])
    return costs


def report(costs: Costs) -> list[str]:
    """Lines of a table, stage by stage, and how each grows."""
    header = zip(("rows", "seconds", "processor", "µs a row", "of the smallest", "peak MiB"), _WIDTHS, strict=True)
    lines = [f"{'stage':<9}" + "".join(f"{title:>{width}}" for title, width in header)]
    for stage, found in costs.items():
        start = found[START_ROWS]
        measured = {rows: cost for rows, cost in found.items() if rows != START_ROWS}
        first = next(iter(measured))
        smallest = measured[first].processor_seconds / first
        for rows, cost in measured.items():
            each = cost.processor_seconds / rows
            cells = (
                *(f"{rows:,}", f"{cost.seconds:.1f}", f"{cost.processor_seconds:.1f}", f"{each * 1e6:.1f}"),
                *(f"{each / smallest:.2f}", f"{cost.peak_mib:.0f}"),
            )
            lines.append(
                f"{stage:<9}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
            )
        time = exponent({rows: cost.processor_seconds for rows, cost in measured.items()}, start.processor_seconds)
        memory = exponent({rows: cost.peak_mib for rows, cost in measured.items()}, start.peak_mib)
        lines.append(
            f"{'':<9}its start takes {start.processor_seconds:.1f} s and {start.peak_mib:.0f} MiB; above that, time"
            f" grows as rows^{_shown(time)}, memory as rows^{_shown(memory)}"
        )
    return lines


def _shown(power: float | None) -> str:
    return "? (too little)" if power is None else f"{power:.2f}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
