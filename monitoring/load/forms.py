"""The four forms in which rows are asked about: v1 records, v1 arrays, a v2 tensor for each feature, one v2 matrix."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from contract.features import BooleanFeature, CategoricalFeature, NumericFeature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contract.features import Feature
    from contract.schema import Contract


class Form(StrEnum):
    """A form of request, by the name that the summary has for it."""

    RECORDS = "v1 records"
    ARRAYS = "v1 arrays"
    TENSORS = "v2 tensors"
    MATRIX = "v2 matrix"

    @property
    def names_features(self) -> bool:
        """Whether values come with the names of their features, or in the order of the contract."""
        return self in {Form.RECORDS, Form.TENSORS}

    @property
    def is_columnar(self) -> bool:
        """Whether all rows have the same features by construction."""
        return self in {Form.TENSORS, Form.MATRIX}

    def path(self, model: str) -> str:
        """Where it is sent to."""
        return f"/v2/models/{model}/infer" if self.is_columnar else f"/v1/models/{model}:predict"


def forms_of(contract: Contract) -> list[Form]:
    """The forms that rows of a contract may have: a matrix holds numbers, so it can't hold categories that are text."""
    texts = any(_datatype(feature, ()) == "BYTES" for feature in contract.features)
    return [form for form in Form if not (texts and form is Form.MATRIX)]


def body(form: Form, contract: Contract, rows: Sequence[dict[str, Any]]) -> bytes:
    """The rows as a request's body. What a row holds is sent as it is, right or wrong, in the order of the row."""
    match form:
        case Form.RECORDS:
            content: dict[str, Any] = {"instances": rows}
        case Form.ARRAYS:
            content = {"instances": [list(row.values()) for row in rows]}
        case Form.TENSORS:
            content = {"inputs": _tensors(contract, rows)}
        case Form.MATRIX:
            cells = [int(value) if isinstance(value, bool) else value for row in rows for value in row.values()]
            shape = [len(rows), len(rows[0])]
            content = {"inputs": [{"name": "rows", "shape": shape, "datatype": "FP64", "data": cells}]}
    return orjson.dumps(content)


def _tensors(contract: Contract, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    features = {feature.name: feature for feature in contract.features}
    tensors = []
    for name in rows[0]:
        cells = [row[name] for row in rows]
        datatype = _datatype(features.get(name), cells)
        tensors.append({"name": name, "shape": [len(rows)], "datatype": datatype, "data": cells})
    return tensors


def _datatype(feature: Feature | None, cells: Sequence[Any]) -> str:
    match feature:
        case BooleanFeature():
            return "BOOL"
        case CategoricalFeature() if isinstance(feature.values[0], str):
            return "BYTES"
        case NumericFeature():
            return "FP64"
        case _:
            return "FP64" if any(isinstance(cell, float) for cell in cells) else "INT64"
