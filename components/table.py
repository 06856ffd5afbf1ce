"""A contract's table in memory: typed columns, the encoded matrix, the target.

Frames hold the contract's own codes. A column is float64 with NaN where every cell present is a number, otherwise text
(`object`) with `None`; which of the two it should be is for *validate* to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from contract.encoding import Encoder
from contract.features import BooleanFeature, CategoricalFeature

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from contract.encoding import Encoded
    from contract.features import Code
    from contract.schema import Contract

_BOOLEANS = {"true": "1", "True": "1", "TRUE": "1", "false": "0", "False": "0", "FALSE": "0"}


def typed(contract: Contract, text: pd.DataFrame) -> pd.DataFrame:
    """Turn a frame of text cells into typed columns; the contract's missing markers become missing values."""
    features = {feature.name: feature for feature in contract.features}
    codes_are_text = _text_columns(contract)
    columns: dict[str, pd.Series[Any]] = {}
    for name in text.columns:
        feature = features.get(name)
        markers = feature.missing.markers if feature else ()
        cells = text[name].str.strip()
        cells = cells.mask(cells.isin([*contract.missing_markers, *map(str, markers)]))
        if isinstance(feature, BooleanFeature):
            cells = cells.replace(_BOOLEANS)
        numbers = pd.to_numeric(cells, errors="coerce").astype(np.float64)
        if name not in codes_are_text and (numbers.notna() | cells.isna()).all():
            columns[name] = numbers.mask(numbers.isin([marker for marker in markers if isinstance(marker, int)]))
        else:
            columns[name] = cells.astype(object).where(cells.notna(), None)
    return pd.DataFrame(columns)


def _text_columns(contract: Contract) -> set[str]:
    """Columns whose codes are text even where they look like numbers, such as postcodes."""
    names = {
        feature.name
        for feature in contract.features
        if isinstance(feature, CategoricalFeature) and isinstance(feature.values[0], str)
    }
    if any(isinstance(value, str) for item in contract.target.classes for value in item.values):
        names.add(contract.target.column)
    return names


def with_numbers(contract: Contract, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with floats wherever a cell of a numeric column is a number.

    One stray word makes text of a whole column (Parquet holds one type a column). Here only that word stays text, so
    that it alone is refused, not its column.
    """
    mixed = frame.copy(deep=False)
    for name in {*contract.feature_names, contract.target.column} - _text_columns(contract):
        if name in frame and frame[name].dtype == object:
            numbers = pd.to_numeric(frame[name], errors="coerce")
            mixed[name] = frame[name].where(numbers.isna(), numbers)
    return mixed


def encode(contract: Contract, frame: pd.DataFrame) -> Encoded:
    """Encode a frame as the predictor encodes a request: float64 (rows, features) and what the contract objects to.

    A column that the frame lacks (external sites only) is missing in every row.
    """
    mixed = with_numbers(contract, frame)
    columns = {}
    for name in contract.feature_names:
        column = mixed[name] if name in mixed else pd.Series(np.nan, index=mixed.index)
        columns[name] = column.to_numpy() if column.dtype.kind == "f" else column.tolist()
    return Encoder(contract.features).from_columns(columns)


def classes(contract: Contract, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Each row's encoded class, 0 or 1, float64 of shape (rows,); NaN where the contract has no class for it."""
    if contract.target.column not in frame:
        return np.full(len(frame), np.nan)
    cells = with_numbers(contract, frame)[contract.target.column]
    return np.array([contract.class_of(code(value)) for value in cells], dtype=np.float64)


def target(contract: Contract, frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """The encoded classes, 0 or 1, int64 of shape (rows,), of a validated table: each row has one."""
    return classes(contract, frame).astype(np.int64)


def code(value: object) -> Code:
    """A cell as the contract writes it: 3.0 is 3, text stays text."""
    return int(value) if isinstance(value, float) and value.is_integer() else str(value)


def sortable(cells: pd.Series[Any]) -> pd.Series[Any]:
    """A time column as values that sort: numbers as they are, ISO 8601 dates as times; all else is missing."""
    return cells if cells.dtype.kind == "f" else pd.to_datetime(cells, format="ISO8601", errors="coerce", utc=True)


def write(frame: pd.DataFrame, path: str | Path) -> None:
    """Keep a frame as Parquet, types included."""
    frame.to_parquet(path, index=False)


def read(path: str | Path) -> pd.DataFrame:
    """A frame that `write` wrote."""
    return pd.read_parquet(path)


def requests_of(contract: Contract, frame: pd.DataFrame) -> list[dict[str, int | float | str | bool | None]]:
    """Rows as v1 instances, in the contract's codes: what a client would send for them."""
    integral = {f.name for f in contract.features if f.kind in {"integer", "categorical", "boolean"}}
    rows: list[dict[str, int | float | str | bool | None]] = []
    for record in frame[contract.feature_names].to_dict(orient="records"):
        row: dict[str, int | float | str | bool | None] = {}
        for name, value in record.items():
            if value is None or (isinstance(value, float) and np.isnan(value)):
                row[str(name)] = None
            else:
                row[str(name)] = code(value) if name in integral else value
        rows.append(row)
    return rows
