"""What stands in a figure that was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def texts(drawn: Figure | Axes) -> list[str]:
    """What is written in the panels of a figure, or in one panel."""
    panels = drawn.axes if isinstance(drawn, Figure) else [drawn]
    return [item.get_text() for axes in panels for item in axes.texts]


def points(axes: Axes, marker: str = "o") -> list[tuple[float, float]]:
    """Dots that stand alone."""
    lines = [np.asarray(line.get_xydata()) for line in axes.lines if line.get_marker() == marker]
    return [(float(line[0, 0]), float(line[0, 1])) for line in lines if len(line) == 1]


def legend_of(figure: Figure) -> list[str]:
    return [item.get_text() for item in figure.legends[0].get_texts()]


def rows_of(figure: Figure) -> list[str]:
    """What the rows of its first panel are called."""
    return [item.get_text() for item in figure.axes[0].get_yticklabels()]
