"""Time and memory by rows, on logarithmic scales: what is linear is parallel to the dashed line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.size.measurement import Cost

_COLOURS = ("#332288", "#cc6677", "#117733", "#66a9cf", "#882255", "#999933")


def draw(costs: Mapping[str, Mapping[int, Cost]], path: Path) -> None:
    """Write the picture; `costs` are by stage and number of rows."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    panels = figure.subplots(1, 2)
    titles = ("Processor time, seconds", "Peak memory, MiB")
    for axes, title, attribute in zip(panels, titles, ("processor_seconds", "peak_mib"), strict=True):
        lowest, rows, every = float("inf"), [0], list[float]()
        for (stage, by_rows), colour in zip(costs.items(), _COLOURS, strict=False):
            rows = list(by_rows)
            values = [getattr(cost, attribute) for cost in by_rows.values()]
            lowest = min(lowest, values[-1])
            every += values
            axes.plot(rows, values, marker="o", markersize=4, color=colour, label=stage)
        axes.plot(rows, [lowest * count / rows[-1] for count in rows], color="#5d6b78", linestyle="--", label="linear")
        limits = (min(every) / 2, max(every) * 2)
        axes.set(xscale="log", yscale="log", ylim=limits, title=title, xlabel="rows of the table")
        axes.grid(color="#eef1f4")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=9, loc="upper left")
    figure.savefig(path, dpi=120, metadata={"Software": None})
