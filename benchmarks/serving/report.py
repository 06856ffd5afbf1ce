"""The comparison as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.serving.catalogue import NAMES
from benchmarks.serving.measurement import DISTURBED
from benchmarks.serving.targets import ratio, targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.serving.cells import Cell
    from benchmarks.serving.machine import Machine
    from benchmarks.serving.measurement import Plan, Results

_ABSENT = ""


def markdown(results: Results, machine: Machine, versions: Mapping[str, str], plan: Plan) -> str:
    """Targets, then every cell, then how it was measured."""
    judged = targets(results)
    taken = max(load.taken for load in results.loads.values())
    shapes: dict[str, list[Cell]] = {}
    for cell in dict.fromkeys(cell for cell, _ in results.loads):
        shapes.setdefault(cell.shape, []).append(cell)
    lines = [
        "# The predictor beside other servers of the same model",
        "",
        "Made by `make bench`, in one run.",
        "",
        f"- Machine: {machine}",
        f"- Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}",
        f"- Medians of {plan.rounds} rounds of {plan.seconds} s for each cell, after {plan.warm_up} s of the same load",
        f"- Other processes took up to {taken:.0%} of a core (beyond {DISTURBED:.0%}, a load is repeated)",
        "",
        "## Targets",
        "",
        _row("", "target", "measured", "wanted"),
        _row("---", "---", "--:", "--:"),
        *(
            _row(
                target.mark,
                target.what,
                f"{number(target.measured)}{target.unit}",
                f"{'≥' if target.at_least else '≤'} {target.limit:g}{target.unit}",
            )
            for target in judged
        ),
    ]
    for shape, group in shapes.items():
        lines += [
            *("", f"## {shape[0].upper()}{shape[1:]}", "", "Requests/s (times sklearnserver's) · p50 / p99 in ms", ""),
            _row("server", *(cell.protocol for cell in group)),
            _row("---", *["--:"] * len(group)),
            *(
                _row(name, *(_cell(results, cell, name) for cell in group))
                for name in NAMES
                if any((cell, name) in results.loads for cell in group)
            ),
        ]
    lines += [
        *("", "## Start", "", _row("server", "seconds to ready", "MiB when ready", "MiB after all loads")),
        _row("---", "--:", "--:", "--:"),
        *(
            _row(name, f"{started.seconds:.2f}", f"{started.memory:.0f}", f"{results.loaded[name]:.0f}")
            for name, started in results.started.items()
        ),
        "",
        _HOW,
    ]
    return "\n".join(lines)


def number(value: float) -> str:
    """Three digits that count, thousands with a comma."""
    digits = next((digits for bound, digits in ((1, 3), (10, 2), (100, 1)) if value < bound), 0)
    return f"{value:,.{digits}f}"


def _cell(results: Results, cell: Cell, name: str) -> str:
    load = results.loads.get((cell, name))
    if load is None:
        return _ABSENT
    times = ratio(results, cell, name)
    compared = f" ({number(times)}x)" if times is not None else ""
    return f"{load.rate:,.0f}{compared} · {number(load.p50)} / {number(load.p99)}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


_HOW = """\
## How

Each server is one process on one core, with one thread for arithmetic; wrk sends from another core, closed loop. All
other servers are stopped (SIGSTOP) meanwhile, and a server's queue is empty before the next load starts. No request met
an error. Before anything is measured, every server's answers are compared with scikit-learn's own (within 1e-6).

- *predictor*: `python -m predictor`, as shipped: it checks every value, calibrates, decides, counts.
- *sklearnserver*: KServe's documented class on the KServe SDK, all defaults, with `predict_proba` (the original isn't
  on PyPI).
- *MLServer*: in its own process, without and with adaptive batching (64 requests, 5 ms).
- *heart predecessor*: its FastAPI design, with pydantic and a DataFrame; its own JSON stands in the column v1.
- *bare echo*: uvicorn with uvloop and httptools, returning the body; no model.

All peers serve the predictor's own fitted model in a plain scikit-learn pipeline that neither calibrates nor fills
missing values. Rows are complete rows of the heart table; v2 is one FP64 tensor for every server.
"""
