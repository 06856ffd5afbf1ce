"""A comparison as tables for a terminal, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from images.stages.comparison import Comparison, Finished

_MARKS = {True: "✓", False: "✗", None: " "}
_MIB = 2**20


def facts_table(comparison: Comparison) -> Table:
    """What the runs came to."""
    table = Table("", "subprocess", "container", "", box=None, pad_edge=False)
    for fact in comparison.facts:
        style = "bold red" if fact.same is False else "dim" if fact.same is None else ""
        table.add_row(fact.name, fact.first, fact.second, _MARKS[fact.same], style=style)
    return table


def stages_table(first: Finished, second: Finished, limits: Mapping[str, int]) -> Table:
    """What each stage took; memory is what its container had at most, sampled, and might have had."""
    table = Table(box=None, pad_edge=False)
    table.add_column("stage", no_wrap=True)
    for name in ("subprocess", "container", "memory", "limit"):
        table.add_column(name, justify="right", no_wrap=True)
    seconds = {record.task: record.duration_seconds for record in first.tasks}
    for record in second.tasks:
        memory = "" if record.peak_memory_mib is None else f"{record.peak_memory_mib:,.0f} MiB"
        limit = limits.get(record.component)
        table.add_row(
            record.task,
            f"{seconds[record.task]:.1f} s" if record.task in seconds else "",
            f"{record.duration_seconds:.1f} s",
            memory,
            f"{limit // _MIB:,} MiB" if limit else "none",
        )
    sums = [sum(record.duration_seconds for record in run.tasks) for run in (first, second)]
    table.add_row("All stages, one after the other", *(f"{total:.1f} s" for total in sums), style="bold")
    return table


def as_json(comparison: Comparison, first: Finished, second: Finished) -> str:
    """Everything in both tables."""
    return json.dumps(
        {
            "same": not comparison.different,
            "facts": [asdict(fact) for fact in comparison.facts],
            "subprocess": [asdict(record) for record in first.tasks],
            "container": [asdict(record) for record in second.tasks],
        },
        indent=2,
        ensure_ascii=False,
    )
