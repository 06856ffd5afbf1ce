"""What is counted while rows go by equals what is counted at once, and every row is as likely to be drawn."""

from __future__ import annotations

import numpy as np
import pytest

from components.reporting.rows import Drawn, Moments


def test_moments_are_those_of_all_rows_at_once() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(1e6, 0.5, (1000, 3))  # a mean that would swallow the deviation in a sum of squares
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    matrix[:, 2] = np.nan
    moments = Moments.of(3)
    for block in np.array_split(matrix, [1, 2, 300, 300]):
        moments.add(block)
    known = matrix[:, :2]
    assert moments.counts[:2] == pytest.approx((~np.isnan(known)).sum(axis=0))
    assert moments.means[:2] == pytest.approx(np.nanmean(known, axis=0), rel=1e-14)
    assert moments.deviations[:2] == pytest.approx(np.nanstd(known, axis=0, ddof=1), rel=1e-8)
    assert moments.lowest[:2].tolist() == np.nanmin(known, axis=0).tolist()
    assert moments.highest[:2].tolist() == np.nanmax(known, axis=0).tolist()
    assert moments.counts[2] == 0
    assert np.isnan(moments.deviations[2])


def test_one_value_has_no_deviation() -> None:
    moments = Moments.of(1)
    moments.add(np.array([[4.0]]))
    assert moments.means.tolist() == [4]
    assert np.isnan(moments.deviations).all()


def numbered(
    rows: int,
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    return np.arange(float(rows)).reshape(-1, 1), np.arange(rows) % 3


def test_a_small_table_is_kept_whole_and_in_order() -> None:
    drawn = Drawn(most=100)
    matrix, target = numbered(100)
    for rows, classes in zip(np.array_split(matrix, 7), np.array_split(target, 7), strict=True):
        drawn.add(rows, classes)
    kept, kept_target = drawn.rows
    assert kept.tolist() == matrix.tolist()
    assert kept_target.tolist() == target.tolist()


@pytest.mark.parametrize("pieces", [1, 3, 40])
def test_the_sample_does_not_depend_on_how_the_table_is_cut(pieces: int) -> None:
    matrix, target = numbered(2000)
    whole, cut = Drawn(most=150), Drawn(most=150)
    whole.add(matrix, target)
    for rows, classes in zip(np.array_split(matrix, pieces), np.array_split(target, pieces), strict=True):
        cut.add(rows, classes)
    kept, kept_target = cut.rows
    assert kept.tolist() == whole.rows[0].tolist()
    assert kept_target.tolist() == (kept.ravel() % 3).tolist()
    assert (np.diff(kept.ravel()) > 0).all()


def test_no_part_of_the_table_is_preferred() -> None:
    matrix, target = numbered(50_000)
    drawn = Drawn(most=5000)
    for rows, classes in zip(np.array_split(matrix, 10), np.array_split(target, 10), strict=True):
        drawn.add(rows, classes)
    kept = np.histogram(drawn.rows[0], bins=10, range=(0, 50_000))[0]
    assert kept.sum() == 5000
    assert kept == pytest.approx(np.full(10, 500), abs=85)  # four standard deviations
