"""Parquet's own types mean what a client would mean by them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from components.errors import UnreadableTable
from components.scoring.batch import BatchScorer
from components.scoring.parquet_file import ParquetFile
from contract.encoding import Encoder

if TYPE_CHECKING:
    from pathlib import Path

    from contract.bundle import Bundle

GOOD: dict[str, pa.Array] = {
    "weight": pa.array([2.5, 3.0]),
    "stops": pa.array([3, None]),
    "fragile": pa.array([True, None]),
    "service": pa.array(["std", None]),
    "zone": pa.array([1, 3]),
}


def scored(bundle: Bundle, path: Path, **columns: pa.Array) -> tuple[Any, Any]:
    """What comes of the columns, and the matrix of the good rows."""
    parquet.write_table(pa.table({**GOOD, **columns}), path)
    (part,) = ParquetFile(path, bundle.contract).parts()
    found = BatchScorer(bundle)(part)
    return found, Encoder(bundle.contract.features).from_columns(part.columns).matrix


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("weight", pa.array([2.5, 3.0], pa.float32())),
        ("weight", pa.array([Decimal("2.50"), Decimal("3.00")])),
        ("weight", pa.array(["2.5", " 3 "])),
        ("weight", pa.array(["2.5", "3"]).dictionary_encode()),
        ("stops", pa.array([3.0, float("nan")])),
        ("stops", pa.array([3, -1], pa.int8())),
        ("stops", pa.array(["3", "?"], pa.large_string())),
        ("fragile", pa.array([1, None], pa.uint8())),
        ("fragile", pa.array(["true", "unknown"])),
        ("service", pa.array(["std", "n/a"])),
        ("service", pa.array(["std", ""]).dictionary_encode()),
        ("zone", pa.array([1.0, 3.0])),
        ("zone", pa.array(["1", "3"])),
    ],
    ids=str,
)
def test_a_value_has_many_types(binary_bundle: Bundle, tmp_path: Path, name: str, column: pa.Array) -> None:
    plain, plain_matrix = scored(binary_bundle, tmp_path / "rows.parquet")
    found, matrix = scored(binary_bundle, tmp_path / "rows.parquet", **{name: column})
    assert found.refused == ()
    assert np.array_equal(matrix, plain_matrix, equal_nan=True)
    assert found.answer.probability.tolist() == plain.answer.probability.tolist()


@pytest.mark.parametrize(
    ("name", "column", "value", "rule"),
    [
        ("weight", pa.array([True, False]), "True", "wrong-type"),
        ("weight", pa.array([True, None]), "True", "wrong-type"),
        ("weight", pa.array(["heavy", "3"]), "'heavy'", "wrong-type"),
        ("weight", pa.array([[1.0], [2.0]]), "[1.0]", "wrong-type"),
        ("weight", pa.array([0, 3]), "0", "out-of-range"),
        ("weight", pa.array([Decimal("0.01"), Decimal("3.00")]), "0.01", "out-of-range"),
        ("weight", pa.array([None, 3.0]), "null", "missing-value"),
        ("service", pa.array([1, 2]), "1", "wrong-type"),
        ("zone", pa.array([2, 3]), "2", "unknown-category"),
        ("zone", pa.array([None, None]), "null", "missing-value"),
    ],
    ids=str,
)
def test_what_a_client_may_not_send_is_refused(
    binary_bundle: Bundle, tmp_path: Path, name: str, column: pa.Array, value: str, rule: str
) -> None:
    found, _ = scored(binary_bundle, tmp_path / "rows.parquet", **{name: column})
    assert (found.refused[0].row, found.refused[0].column) == (0, name)
    assert (found.refused[0].value, found.refused[0].rule) == (value, rule)


def test_columns_that_are_absent_are_named(binary_bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table(GOOD).drop_columns(["zone", "weight"]), path)
    with pytest.raises(UnreadableTable, match=r"lacks 2 of .* weight \(Weight_kg in the table's files\), zone\. Add"):
        ParquetFile(path, binary_bundle.contract)
