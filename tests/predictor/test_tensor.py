"""Tensors whose datatype no feature of the heart table has."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.errors import MalformedRequest
from predictor.tensor import Tensor, to_binary, values_of


def test_text_survives_the_binary_layout() -> None:
    texts = ["", "männlich", "x" * 300]
    binary = to_binary("BYTES", texts)
    assert binary.startswith(b"\0\0\0\0\x09\0\0\0m\xc3\xa4nnlich")
    assert values_of(Tensor(name="t", shape=[3], datatype="BYTES"), binary, ["t"]) == texts


@pytest.mark.parametrize(
    ("binary", "words"),
    [
        (b"\x05\0\0\0abc", "input 't': its bytes end within value 0"),
        (b"\x01\0\0\0a\x01\0", "input 't': its bytes end within value 1"),
        (b"\x01\0\0\0\xff", "input 't': value 0 is not UTF-8 text"),
        (b"\x01\0\0\0a", "input 't': shape [2] needs 2 values, its bytes hold 1"),
    ],
)
def test_broken_binary_text_is_refused(binary: bytes, words: str) -> None:
    with pytest.raises(MalformedRequest) as refusal:
        values_of(Tensor(name="t", shape=[2], datatype="BYTES"), binary, ["t"])
    assert str(refusal.value) == words


@pytest.mark.parametrize(
    ("datatype", "layout", "values"),
    [
        ("BOOL", "?", [True, False]),
        ("UINT8", "<u1", [0, 255]),
        ("INT16", "<i2", [-300, 300]),
        ("INT64", "<i8", [-(2**40), 2**40]),
        ("FP32", "<f4", [0.5, -2.0]),
    ],
)
def test_numbers_survive_the_binary_layout(datatype: str, layout: str, values: list[float]) -> None:
    binary = to_binary(datatype, values)
    assert binary == np.array(values, dtype=layout).tobytes()
    tensor = Tensor.model_validate({"name": "n", "shape": [2], "datatype": datatype})
    assert list(values_of(tensor, binary, ["n"])) == values
