"""Large bodies of nothing but numbers, read from JSON straight into arrays.

Most of the time of a batch of 1,000 rows goes into making a Python object of each number, looking at its type and
making a number of it again. Here simdjson writes them into one array. Only what can't be mistaken is taken; a null, a
boolean, a text, an uneven row, a field too many: `None`, and the reader that finds the words for it has its turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import simdjson

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64] | npt.NDArray[np.int64]

_UNREADABLE = (ValueError, TypeError, RuntimeError, KeyError)
"""What simdjson raises for wrong JSON (a `UnicodeDecodeError` is a `ValueError`), wrong types and numbers too large."""
_parser: Any = simdjson.Parser()  # keeps its memory from one body to the next; for the event loop's thread alone
_ALL_BUT_ENDS = bytes(set(range(256)) - set(b",]"))


def rows(body: bytes, columns: int) -> npt.NDArray[np.float64] | None:
    """v1's instances, if they are arrays of that many numbers: float64 (rows, columns)."""
    if body.count(b":") != 1:  # another field, or a record
        return None
    try:
        instances = _parser.parse(body)["instances"]
        numbers = np.frombuffer(instances.as_buffer(of_type="d"), dtype=np.float64)
    except (*_UNREADABLE, AttributeError):
        return None
    # All arrays are flattened, so what ends a number and a row tells whether each row has as many as it must.
    ends = (b"," * (columns - 1) + b"],") * len(instances)
    if not len(numbers) == len(instances) * columns > 0 or body.translate(None, _ALL_BUT_ENDS) != ends[:-1] + b"]":
        return None
    return numbers.reshape(-1, columns)


def tensors(body: bytes) -> tuple[dict[str, Any], list[Numbers | None]] | None:
    """A v2 request without the data of its tensors of numbers, and that data, one-dimensional, by input.

    Data in rows, of other types, or with a null in it stays where it is.
    """
    try:
        content = _parser.parse(body)
        if not {"inputs"} <= set(content) <= {"id", "inputs"}:
            return None
        inputs, numbers = [], []
        for tensor in content["inputs"]:
            fields = {name: tensor[name] for name in tensor}
            array = _numbers(fields.get("data"), fields.get("datatype"))
            numbers.append(array)
            inputs.append({name: _plain(value) for name, value in fields.items() if name != "data" or array is None})
        request = {name: inputs if name == "inputs" else _plain(content[name]) for name in content}
    except (*_UNREADABLE, AttributeError):
        return None
    fields_read = len(request) + sum(map(len, inputs)) + sum(array is not None for array in numbers)
    if body.count(b":") != fields_read:  # a field twice, a field in a field, a colon in a text
        return None
    return request, numbers


def _numbers(data: Any, datatype: Any) -> Numbers | None:
    if not isinstance(data, simdjson.Array) or not isinstance(datatype, str) or datatype in {"BOOL", "BYTES"}:
        return None
    numbers: Numbers
    try:
        if datatype.startswith("FP"):
            numbers = np.frombuffer(data.as_buffer(of_type="d"), dtype=np.float64)
        else:
            numbers = np.frombuffer(data.as_buffer(of_type="i"), dtype=np.int64)
    except _UNREADABLE:
        return None
    return numbers if len(numbers) == len(data) else None


def _plain(value: Any) -> Any:
    if isinstance(value, simdjson.Array):
        return value.as_list()
    return value.as_dict() if isinstance(value, simdjson.Object) else value
