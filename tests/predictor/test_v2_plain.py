"""The fast reader of v2 says what v2 says, or nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from predictor import v2, v2_plain
from predictor.errors import MalformedRequest
from predictor.turns import at_once

if TYPE_CHECKING:
    from predictor.served import Served

DATATYPES = {"oldpeak": "FP64", "fbs": "BOOL", "exang": "BOOL"}
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 1, 1.0, "FP64", "INT64", "BYTES", "FOO", "", [], [1], [1, 13], [2], {}, ["FP64"], -1]
)


def columns(records: list[dict[str, Any]]) -> dict[str, Any]:
    inputs = [
        {
            "name": name,
            "shape": [len(records)],
            "datatype": DATATYPES.get(name, "INT64"),
            "data": [record[name] for record in records],
        }
        for name in records[0]
    ]
    return {"inputs": inputs}


def matrix(records: list[dict[str, Any]]) -> dict[str, Any]:
    data = [float(value) for record in records for value in record.values()]
    return {"inputs": [{"name": "rows", "shape": [len(records), 13], "datatype": "FP64", "data": data}]}


@pytest.mark.parametrize("build", [columns, matrix])
@pytest.mark.parametrize("identity", [None, "x"])
def test_it_answers_what_v2_answers(
    served: Served, records: list[dict[str, Any]], build: Any, identity: str | None
) -> None:
    content = build(records[:2]) | ({"id": identity} if identity else {})
    rows = v2_plain.read(served, content)
    assert rows is not None
    scored = served.bundle.scorer(np.array(rows))
    plain = v2_plain.render(served, identity, scored.probability.tolist(), scored.decided.tolist())
    assert json.loads(plain) == json.loads(at_once(v2.answer(served, json.dumps(content).encode())).body)


@pytest.mark.parametrize(
    "fields",
    [{"outputs": [{"name": "label"}]}, {"parameters": {"binary_data_output": True}}, {"id": 1}, {"inputs": []}],
)
def test_what_asks_for_more_is_left_to_v2(
    served: Served, records: list[dict[str, Any]], fields: dict[str, Any]
) -> None:
    assert v2_plain.read(served, {**columns(records[:1]), **fields}) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_spoilt_requests_are_read_only_if_v2_reads_them_alike(
    served: Served, records: list[dict[str, Any]], data: st.DataObject
) -> None:
    content = data.draw(st.sampled_from([columns, matrix]))(records[:2])
    spoilt = data.draw(st.sampled_from(content["inputs"]))
    spoilt[data.draw(st.sampled_from(["name", "shape", "datatype", "data", "more"]))] = data.draw(ODD)
    rows = v2_plain.read(served, content)
    if rows is not None:
        try:
            request, binaries = v2.parse(served, content, b"")
        except MalformedRequest as error:
            raise AssertionError(content) from error
        np.testing.assert_array_equal(np.array(rows, dtype=np.float64), v2.encode(served, request, binaries).matrix)
