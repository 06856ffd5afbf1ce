"""The tensors of the v2 protocol: as JSON lists, and as the bytes that follow the JSON (binary tensor data extension).

Datatypes and layout: Open Inference Protocol, `inference_rest.md`; binary data is little-endian and row-major, text is
preceded by its length as uint32.
"""

from __future__ import annotations

import math
import struct
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from contract.encoding import shown
from contract.errors import RequestRefused, Violation
from predictor.errors import MalformedRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Content = bytes | npt.NDArray[Any] | None
    """What a tensor holds besides JSON: bytes in its layout, or numbers that were read already."""

T = TypeVar("T", bound="Sequence[Any] | npt.NDArray[Any]")
Datatype = Literal[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP32", "FP64", "BYTES"
]

_LAYOUT = {
    "BOOL": "?",
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    "FP32": "<f4",
    "FP64": "<f8",
}
JSON_TYPES: dict[str, frozenset[type]] = {
    **{datatype: frozenset({int, NoneType}) for datatype in _LAYOUT},
    "BOOL": frozenset({bool, NoneType}),
    "FP32": frozenset({int, float, NoneType}),
    "FP64": frozenset({int, float, NoneType}),
    "BYTES": frozenset({str, NoneType}),
}
"""What the values of each datatype are once JSON is read."""
_LENGTH = struct.Struct("<I")


class Part(BaseModel):
    """Base of what a v2 request is made of. Fields that the protocol doesn't know are passed over, as it says."""

    model_config = ConfigDict(strict=True, frozen=True)


class Tensor(Part):
    """An input: its values stand in `data`, or follow the JSON in `parameters.binary_data_size` bytes."""

    name: str
    shape: Annotated[list[NonNegativeInt], Field(min_length=1, max_length=2)]
    datatype: Datatype
    parameters: dict[str, Any] = Field(default_factory=dict)
    data: list[Any] | None = None

    @property
    def columns(self) -> int:
        """1 for a shape `[rows]` or `[rows, 1]`."""
        return self.shape[1] if len(self.shape) > 1 else 1


def values_of(tensor: Tensor, binary: Content, names: Sequence[str]) -> list[Any] | npt.NDArray[Any]:
    """The tensor's values, flat and row-major; `names` says what its columns are.

    `null` in JSON and NaN in binary floats mean missing. Raises `MalformedRequest` if it isn't of its shape, and
    `RequestRefused` for JSON values that aren't of its datatype.
    """
    if isinstance(binary, bytes):
        return _from_binary(tensor, binary)
    if binary is not None:
        return _checked_length(tensor, binary)
    if tensor.data is None:
        raise MalformedRequest(f"input {shown(tensor.name)} has no data; give `data`, or `binary_data_size` and bytes")
    values = tensor.data
    if list in set(map(type, values)):
        if len(tensor.shape) == 1 or not all(isinstance(row, list) and len(row) == tensor.columns for row in values):
            raise MalformedRequest(f"input {shown(tensor.name)}: rows aren't all as long as shape {tensor.shape} says")
        values = list(chain.from_iterable(values))
    _checked_length(tensor, values)
    allowed = JSON_TYPES[tensor.datatype]
    if not allowed.issuperset(map(type, values)):
        columns = len(names)
        raise RequestRefused(
            [
                Violation(at // columns, names[at % columns], shown(value), "wrong-type", f"{tensor.datatype}, or null")
                for at, value in enumerate(values)
                if type(value) not in allowed
            ]
        )
    return values


def to_binary(datatype: str, values: list[Any]) -> bytes:
    """An output's values in the layout of the binary extension."""
    if datatype == "BYTES":
        encoded = [text.encode() for text in values]
        return b"".join(part for text in encoded for part in (_LENGTH.pack(len(text)), text))
    return np.array(values, dtype=_LAYOUT[datatype]).tobytes()


def _checked_length(tensor: Tensor, values: T) -> T:
    if len(values) != math.prod(tensor.shape):
        raise MalformedRequest(
            f"input {shown(tensor.name)}: shape {tensor.shape} needs {math.prod(tensor.shape)} values,"
            f" data has {len(values)}"
        )
    return values


def _from_binary(tensor: Tensor, binary: bytes) -> list[Any] | npt.NDArray[Any]:
    count = math.prod(tensor.shape)
    if tensor.datatype == "BYTES":
        texts = _texts(tensor.name, binary)
        if len(texts) != count:
            raise MalformedRequest(
                f"input {shown(tensor.name)}: shape {tensor.shape} needs {count} values, its bytes hold {len(texts)}"
            )
        return texts
    layout = np.dtype(_LAYOUT[tensor.datatype])
    if len(binary) != count * layout.itemsize:
        raise MalformedRequest(
            f"input {shown(tensor.name)}: shape {tensor.shape} of {tensor.datatype} needs"
            f" {count * layout.itemsize} bytes, not {len(binary)}"
        )
    return np.frombuffer(binary, dtype=layout)


def _texts(name: str, binary: bytes) -> list[str]:
    texts: list[str] = []
    at = 0
    try:
        while at < len(binary):
            (length,) = _LENGTH.unpack_from(binary, at)
            at += _LENGTH.size
            if at + length > len(binary):
                raise MalformedRequest(f"input {shown(name)}: its bytes end within value {len(texts)}")
            texts.append(binary[at : at + length].decode())
            at += length
    except struct.error:
        raise MalformedRequest(f"input {shown(name)}: its bytes end within value {len(texts)}") from None
    except UnicodeDecodeError:
        raise MalformedRequest(f"input {shown(name)}: value {len(texts)} is not UTF-8 text") from None
    return texts
