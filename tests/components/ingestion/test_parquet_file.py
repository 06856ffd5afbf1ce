from __future__ import annotations

import datetime
import decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from components import table
from components.errors import UnreadableTable
from components.ingestion.parquet_file import ParquetFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from contract.schema import Contract

PARCELS: dict[str, Any] = {
    "weight": pa.array([1.5, 2, None]),
    "express": pa.array([True, None, False]),
    "zone": pa.array(["01", None, "02"]).dictionary_encode(),
    "floor": pa.array([3, -1, None], pa.int8()),
    "late": pa.array(["no", "yes", "lost"]),
    "customer": pa.array([1, 2, 3]),
    "sent": pa.array([datetime.date(2024, 1, day) for day in (1, 2, 3)]),
}


@pytest.fixture
def file(parcels: Contract, tmp_path: Path) -> Callable[..., ParquetFile]:
    """A file of three parcels, with some columns changed."""

    def written(**changed: pa.Array) -> ParquetFile:
        columns = {name: column for name, column in (PARCELS | changed).items() if column is not None}
        parquet.write_table(pa.table(columns), tmp_path / "table")
        return ParquetFile(parcels, tmp_path / "table", "parcels.parquet")

    return written


def typed(parcels: Contract, file: ParquetFile) -> pd.DataFrame:
    return table.typed(parcels, pd.concat(list(file)))


def test_cells_mean_what_they_mean_in_csv(parcels: Contract, file: Callable[..., ParquetFile]) -> None:
    text = pd.DataFrame(
        {
            "weight": ["1.5", "2", ""],
            "express": ["true", "", "false"],
            "zone": ["01", "", "02"],
            "floor": ["3", "-1", ""],
            "late": ["no", "yes", "lost"],
            "customer": ["1", "2", "3"],
            "sent": ["2024-01-01", "2024-01-02", "2024-01-03"],
        }
    )
    pd.testing.assert_frame_equal(typed(parcels, file()), table.typed(parcels, text))


COLUMNS: dict[str, tuple[str, pa.Array, list[object]]] = {
    "decimals": ("weight", pa.array([decimal.Decimal("1.25"), None, decimal.Decimal(2)]), [1.25, np.nan, 2.0]),
    "single precision": ("weight", pa.array([1.25, None, 2], pa.float32()), [1.25, np.nan, 2.0]),
    "not a number": ("weight", pa.array([1.25, float("nan"), 2]), [1.25, np.nan, 2.0]),
    "nothing": ("weight", pa.nulls(3), [np.nan, np.nan, np.nan]),
    "numbers as text": ("weight", pa.array(["1.25", "", " 2"]), [1.25, np.nan, 2.0]),
    "a word": ("weight", pa.array(["1.25", None, "heavy"]), ["1.25", None, "heavy"]),
    "a marker as a float": ("floor", pa.array([-1.0, 3.0, None]), [np.nan, 3.0, np.nan]),
    "a marker as text": ("floor", pa.array(["unknown", "3", "-1"]), [np.nan, 3.0, np.nan]),
    "dictionary of numbers": ("floor", pa.array([-1, 3, None]).dictionary_encode(), [np.nan, 3.0, np.nan]),
    "numbers for codes in text": ("zone", pa.array([1, 2, None]), ["1", "2", None]),
    "floats for codes in text": ("zone", pa.array([1.0, 2.0, None]), ["1", "2", None]),
    "0 and 1": ("express", pa.array([0, 1, None]), [0.0, 1.0, np.nan]),
    "true as text": ("express", pa.array(["true", "False", None]), [1.0, 0.0, np.nan]),
    "only true and false": ("express", pa.array([True, False, True]), [1.0, 0.0, 1.0]),
    "booleans for numbers": ("floor", pa.array([True, False, None]), ["True", "False", None]),
    "booleans for classes": ("late", pa.array([True, False, True]), ["True", "False", "True"]),
    "large text": ("late", pa.array(["no", "yes", "no"], pa.large_string()), ["no", "yes", "no"]),
}  # fmt: skip


@pytest.mark.parametrize(("name", "column", "expected"), COLUMNS.values(), ids=COLUMNS)
def test_every_type_of_single_values_is_read(
    parcels: Contract, file: Callable[..., ParquetFile], name: str, column: pa.Array, expected: list[object]
) -> None:
    found = typed(parcels, file(**{name: column}))[name]
    kind = np.float64 if all(isinstance(value, float) for value in expected) else object
    pd.testing.assert_series_equal(found, pd.Series(expected, dtype=kind, name=name))


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Paris"])
def test_times_are_read_as_dates_that_sort(
    parcels: Contract, file: Callable[..., ParquetFile], zone: str | None
) -> None:
    moments = [datetime.datetime(2024, 1, day, 12, tzinfo=datetime.UTC) for day in (2, 1, 3)]
    sent = pa.array(moments, pa.timestamp("us", "UTC")).cast(pa.timestamp("us", zone))
    cells = typed(parcels, file(sent=sent))["sent"]
    assert table.sortable(cells).tolist() == [pd.Timestamp(moment) for moment in moments]


def test_single_values_only(file: Callable[..., ParquetFile]) -> None:
    with pytest.raises(UnreadableTable, match=r"^parcels\.parquet: column floor holds list<element: int64>; a cell"):
        file(floor=pa.array([[1], [2], [3]]))


def test_what_an_unknown_column_holds_does_not_matter(file: Callable[..., ParquetFile]) -> None:
    (part,) = file(note=pa.array(["a", "b", "c"]), picture=pa.array([b"1", b"2", b"3"]))
    assert list(part) == [*PARCELS, "note"]


def test_a_file_of_another_kind_is_refused(parcels: Contract, tmp_path: Path) -> None:
    (tmp_path / "table").write_bytes(b"weight,late\n1,no\n")
    with pytest.raises(UnreadableTable, match=r"^parcels\.parquet: is not a sound Parquet file: ") as caught:
        ParquetFile(parcels, tmp_path / "table", "parcels.parquet")
    assert caught.value.__cause__ is None


def test_a_file_that_is_damaged_within_is_refused(
    parcels: Contract, file: Callable[..., ParquetFile], tmp_path: Path
) -> None:
    sound = file()
    content = (tmp_path / "table").read_bytes()
    (tmp_path / "table").write_bytes(b"PAR1" + b"\xff" * (len(content) // 3) + content[4 + len(content) // 3 :])
    with pytest.raises(UnreadableTable, match=r"^parcels\.parquet: is not a sound Parquet file: "):
        list(sound)


def test_a_table_of_other_columns_is_refused(parcels: Contract, tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": [1], "b": [2]}), tmp_path / "table")
    with pytest.raises(UnreadableTable, match=r"so it is no Parquet file of this table.*its columns are a, b, and"):
        ParquetFile(parcels, tmp_path / "table", "parcels.parquet")


def test_a_table_without_rows_is_refused(parcels: Contract, tmp_path: Path) -> None:
    parquet.write_table(pa.table({"weight": pa.array([], pa.float64())}), tmp_path / "table")
    with pytest.raises(UnreadableTable, match=r"^parcels\.parquet: has columns but no rows$"):
        ParquetFile(parcels, tmp_path / "table", "parcels.parquet")


def test_parts_are_bounded_and_start_again(
    parcels: Contract, file: Callable[..., ParquetFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "ROWS", 2)
    parts = file()
    assert [len(part) for part in parts] == [2, 1]
    assert [len(part) for part in parts] == [2, 1]
