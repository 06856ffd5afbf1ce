"""How every figure of the report looks, and how it becomes an SVG that stands inside a page.

Figures are drawn with matplotlib's objects alone (no pyplot, no window). The same figure gives the same bytes, always.
"""

from __future__ import annotations

import re
from functools import wraps
from html import escape
from io import StringIO
from textwrap import shorten
from typing import TYPE_CHECKING, Any, ParamSpec

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Patch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

WIDTH = 10.0
"""Inches that a figure may take: 960 CSS pixels, the page's column."""

MINUS = "\N{MINUS SIGN}"
INK, MUTED, LINE, FAINT = "#22303c", "#5d6b78", "#d5dbe1", "#eef1f4"
CLASSES = ("#4477aa", "#d9822b")
"""Negative, positive: a blue and an orange that the colour-blind tell apart and that print in different greys."""

_MORE_CLASSES = ("#4477aa", "#ee6677", "#228833", "#b8a52f", "#4fb3d9", "#aa3377", "#3b3b3b")
"""Paul Tol's "bright" scheme, which the colour-blind tell apart: its pale colours darkened, its grey nearly black."""

SOURCES = ("#2f4b66", "#2a9d8f")
"""Cross-validated, held out: unlike the classes' colours, so that neither is taken for the other."""

SERIES = ("#332288", "#cc6677", "#117733", "#66a9cf", "#882255", "#44aa99", "#999933", "#aa4499", "#b39b3c")
"""Paul Tol's "muted" scheme, its two palest colours darkened so that thin lines show on white."""

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.2,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.2,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.8,
    "ytick.labelsize": 8.8,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 9.2,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "svg.fonttype": "none",
}
_CHARACTER = 0.56  # mean width of a character, in font sizes

P = ParamSpec("P")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make a drawing function use the report's style, and leave matplotlib's settings as they were."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with rc_context(_STYLE):
            return draw(*args, **kwargs)

    return drawn


def to_svg(figure: Figure, description: str) -> str:
    """The figure as an `<svg>` element to stand inside HTML, text as text; `description` is what it shows, in words."""
    buffer = StringIO()
    with rc_context({**_STYLE, "svg.hashsalt": description}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    _, _, svg = buffer.getvalue().partition("<svg ")
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # matplotlib counts its groups: the same ids in every figure of a page
    attributes, _, content = svg.partition(">")
    label = escape(description)
    return f'<svg role="img" aria-label="{label}" {attributes}><title>{label}</title>{content}'.strip()


def panels(
    count: int,
    columns: int,
    heights: float | Sequence[float],
    *,
    margins: tuple[float, float, float, float] = (0.45, 0.15, 0.4, 0.45),
    gap: tuple[float, float] = (0.5, 0.85),
) -> tuple[Figure, list[Axes]]:
    """A grid of `count` equal columns filled row by row; all lengths in inches.

    `heights` is one for all rows or one for each row, `margins` are left, right, top, bottom, `gap` is between columns
    and between rows. Fewer panels than `columns` make a narrower figure, not wider panels.
    """
    left, right, top, bottom = margins
    panel = (WIDTH - left - right - gap[0] * (columns - 1)) / columns
    rows = -(-count // columns)
    each = [heights] * rows if isinstance(heights, int | float) else list(heights)
    used = min(count, columns)
    width = left + right + panel * used + gap[0] * (used - 1)
    height = top + bottom + sum(each) + gap[1] * (rows - 1)
    figure = Figure(figsize=(width, height))
    axes = []
    for index in range(count):
        row, column = divmod(index, columns)
        x = left + column * (panel + gap[0])
        y = height - top - sum(each[: row + 1]) - gap[1] * row
        axes.append(figure.add_axes((x / width, y / height, panel / width, each[row] / height)))
    return figure, axes


def fitted(text: str, inches: float, size: float = 8.8) -> str:
    """`text` on one line of that length, cut at a word and ended with … if it must be."""
    room = max(int(inches * 72 / (size * _CHARACTER)), 4)
    if len(text) <= room:
        return text
    short = shorten(text, room, placeholder="…")
    return short if len(short) > 1 else f"{text[: room - 1]}…"


def heading(axes: Axes, title: str, subtitle: str = "") -> None:
    """A title and, muted below it, what it means; both start at the left edge, whatever font the browser has."""
    inches = axes.get_position().width * axes.get_figure(root=True).get_size_inches()[0]  # type: ignore[union-attr]
    place: dict[str, Any] = {"xy": (0, 1), "xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(fitted(title, inches, 10), **place, xytext=(0, 20 if subtitle else 7), fontsize=10, fontweight="bold")
    if subtitle:
        axes.annotate(fitted(subtitle, inches, 8.6), **place, xytext=(0, 7), fontsize=8.6, color=MUTED)


def class_colours(count: int) -> tuple[str, ...]:
    """A colour for each of at most seven classes: two of them are negative and positive, more are all alike."""
    return CLASSES if count == len(CLASSES) else _MORE_CLASSES[:count]


def class_legend(figure: Figure, labels: Sequence[str]) -> None:
    """Which colour is which class, at the top left."""
    width = WIDTH / len(labels) - 0.6
    handles = [
        Patch(color=colour, label=fitted(label, width, 9.2))
        for colour, label in zip(class_colours(len(labels)), labels, strict=True)
    ]
    legend(figure, handles, columns=len(labels))


def legend(figure: Figure, handles: Sequence[Any], columns: int = 6) -> None:
    """A legend in a row at the figure's top left."""
    figure.legend(
        handles=list(handles),
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncol=columns,
        handlelength=1.2,
        borderaxespad=0.2,
    )


def signed_bars(
    names: Sequence[str], values: Sequence[float], label: str, colours: tuple[str, str] = CLASSES
) -> Figure:
    """Bars to both sides of zero, top to bottom in the order given, each with its value; `colours` are below, above."""
    left = min(0.4 + 0.08 * max(len(name) for name in names), 3.2)
    figure, (axes,) = panels(1, 1, 0.28 * len(names) + 0.05, margins=(left, 0.9, 0.05, 0.45))
    axes.barh(range(len(names)), values, color=[colours[value > 0] for value in values], height=0.62)
    for row, value in enumerate(values):
        side, offset = ("left", 5) if value >= 0 else ("right", -5)
        place: dict[str, Any] = {"textcoords": "offset points", "va": "center", "ha": side}
        axes.annotate(signed(value), (value, row), (offset, 0), fontsize=8.8, **place)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_yticks(range(len(names)), [fitted(name, left - 0.15) for name in names], color=INK)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(label)
    axes.margins(x=0.12)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    return figure


def bare(axes: Axes) -> None:
    """Neither ticks nor frame: for panels whose values are written out."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def signed(value: float, digits: int = 3) -> str:
    """A number with its sign; what rounds to nothing has none."""
    rounded = round(value, digits)
    return f"{rounded:+.{digits}f}".replace("-", MINUS) if rounded else f"{0:.{digits}f}"
