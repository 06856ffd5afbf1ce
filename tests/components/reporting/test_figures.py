"""Figures are deterministic, stand inside a page, say what they show, and leave matplotlib as it was."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from components.reporting.figures import (
    CLASSES,
    MINUS,
    WIDTH,
    class_colours,
    fitted,
    heading,
    panels,
    signed,
    signed_bars,
    styled,
    to_svg,
)
from components.reporting.summary import MOST_CLASSES

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.figure import Figure

SVG = "{http://www.w3.org/2000/svg}"


def bars() -> Figure:
    return signed_bars(["age", "chol"], [0.25, -0.5], "r")


@pytest.fixture(name="drawn")
def _drawn() -> ET.Element:
    return ET.fromstring(to_svg(styled(bars)(), 'Bars <of> two & "three" features'))


def test_svg_says_what_it_shows(drawn: ET.Element) -> None:
    title = drawn.find(f"{SVG}title")
    assert drawn.get("role") == "img"
    assert title is not None
    assert title.text == drawn.get("aria-label") == 'Bars <of> two & "three" features'


def test_text_stays_text(drawn: ET.Element) -> None:
    texts = ["".join(item.itertext()) for item in drawn.iter(f"{SVG}text")]
    assert {"age", "chol", "+0.250", f"{MINUS}0.500", "r"} <= set(texts)


def test_svg_has_no_date_no_metadata_and_no_ids_that_another_figure_has(drawn: ET.Element) -> None:
    assert not [item for item in drawn.iter() if "metadata" in item.tag or "date" in item.tag.lower()]
    assert not [item.get("id") for item in drawn.iter(f"{SVG}g") if item.get("id")]


def test_same_figure_gives_the_same_bytes() -> None:
    assert to_svg(styled(bars)(), "bars") == to_svg(styled(bars)(), "bars")


def test_settings_are_left_as_they_were() -> None:
    before = dict(mpl.rcParams)
    to_svg(styled(bars)(), "bars")
    assert dict(mpl.rcParams) == before


def test_dollars_and_underscores_are_no_formula() -> None:
    svg = to_svg(styled(lambda: signed_bars(["cost in $ and $_x"], [1.0], "r"))(), "bars")
    assert ">cost in $ and $_x<" in svg


def test_few_panels_make_a_narrower_figure_of_equal_panels() -> None:
    full, many = panels(4, 4, 1.0)
    narrow, (one,) = panels(1, 4, 1.0)
    assert full.get_figwidth() == pytest.approx(WIDTH)
    assert narrow.get_figwidth() < WIDTH / 2
    inches = [axes.get_position().width * figure.get_figwidth() for figure, axes in ((full, many[0]), (narrow, one))]
    assert inches[0] == pytest.approx(inches[1])


def test_panels_of_a_row_share_its_height_and_rows_dont_overlap() -> None:
    figure, axes = panels(4, 2, [1.0, 3.0])
    boxes = [item.get_position() for item in axes]
    heights = [round(box.height * figure.get_figheight(), 6) for box in boxes]
    assert heights == [1, 1, 3, 3]
    assert boxes[2].y1 < boxes[0].y0


@pytest.mark.parametrize(
    ("text", "inches", "expected"),
    [("short", 2, "short"), ("several words that are too long", 1, "several words…"), ("a" * 50, 1, "a" * 13 + "…")],
)
def test_fitted_text_is_cut_at_a_word_if_there_is_one(text: str, inches: float, expected: str) -> None:
    assert fitted(text, inches) == expected


@pytest.mark.parametrize(("value", "expected"), [(0.5, "+0.500"), (-0.5, "−0.500"), (-0.0001, "0.000")])  # noqa: RUF001
def test_signed(value: float, expected: str) -> None:
    assert signed(value) == expected


def test_heading_fits_its_panel() -> None:
    figure, (axes,) = panels(1, 4, 1.0)
    heading(axes, "A title that is far too long for a quarter of the page's width", "short")
    room = axes.get_position().width * figure.get_figwidth() * 72
    title = next(item for item in axes.texts if item.get_text().startswith("A title"))
    assert title.get_text().endswith("…")
    assert len(title.get_text()) * title.get_fontsize() * 0.5 <= room  # type: ignore[operator]


# Machado, Oliveira & Fernandes (2009), "A physiologically-based model for simulation of color vision deficiency".
BLINDNESS = {
    "none": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def seen(colour: str, blindness: str) -> npt.NDArray[np.float64]:
    """A colour in CIE Lab, as it is seen."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(BLINDNESS[blindness]) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.maximum(np.array(to_xyz) @ linear / [0.9505, 1, 1.089], 1e-6))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_two_classes_keep_their_colours() -> None:
    assert class_colours(2) == CLASSES


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("count", range(2, MOST_CLASSES + 1))
def test_every_class_has_a_colour_that_anyone_tells_apart(count: int, blindness: str) -> None:
    colours = class_colours(count)
    assert len(set(colours)) == count
    apart = [
        np.linalg.norm(seen(one, blindness) - seen(other, blindness))
        for one, other in combinations([*colours, "#ffffff"], 2)
    ]
    assert min(apart) > 15
