from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from components.validation import repeated_rows
from components.validation.repeated_rows import RepeatedRows

if TYPE_CHECKING:
    import numpy.typing as npt


def repeated(frame: pd.DataFrame, rows: int) -> npt.NDArray[np.intp]:
    parts = [frame.iloc[start : start + rows] for start in range(0, len(frame), rows)]
    found = RepeatedRows()
    for part in parts:
        found.add(part)
    return found.found(lambda: parts)


@pytest.fixture
def frame() -> pd.DataFrame:
    """Many rows that stand twice or more, with missing cells, zeros of both signs, and text."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": rng.choice([0.0, -0.0, 1.5, np.nan], 300),
            "other": rng.choice(np.arange(10.0), 300),
            "text": rng.choice(np.array(["a", "b", None], dtype=object), 300),
        }
    )


@pytest.mark.parametrize("rows", [37, 299, 300])
@pytest.mark.parametrize("compared", [30, 200_000])
def test_it_finds_what_pandas_finds_in_the_whole(
    frame: pd.DataFrame, rows: int, compared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeated_rows, "_COMPARED", compared)
    expected = np.flatnonzero(frame.duplicated())
    assert 0 < len(expected) < 300
    np.testing.assert_array_equal(repeated(frame, rows), expected)


def test_rows_of_the_same_hash_are_repeated_only_if_they_are_equal(
    frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeated_rows, "_hashes", lambda part: np.zeros(len(part), dtype=np.uint64))
    np.testing.assert_array_equal(repeated(frame, 50), np.flatnonzero(frame.duplicated()))


def test_without_repeated_rows_nothing_is_read_again() -> None:
    found = RepeatedRows()
    for start in range(0, 100, 10):
        found.add(pd.DataFrame({"number": np.arange(start, start + 10.0)}))
    assert found.found(lambda: pytest.fail("read again")).tolist() == []
