"""The Open Inference Protocol over HTTP, against the real server."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest

if TYPE_CHECKING:
    from predictor.served import Served

    Record = dict[str, Any]

ROUTE = "/v2/models/heart/infer"
DATATYPES = {"oldpeak": "FP64", "fbs": "BOOL", "exang": "BOOL"}


def tensors(records: list[Record]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "shape": [len(records)],
            "datatype": DATATYPES.get(name, "INT64"),
            "data": [record[name] for record in records],
        }
        for name in records[0]
    ]


def matrix(records: list[Record], datatype: str = "FP64") -> dict[str, Any]:
    data = [None if value is None else float(value) for record in records for value in record.values()]
    return {"name": "rows", "shape": [len(records), 13], "datatype": datatype, "data": data}


def infer(client: httpx.Client, inputs: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    response = client.post(ROUTE, json={"inputs": inputs, **more})
    assert response.status_code == httpx.codes.OK, response.text
    body: dict[str, Any] = response.json()
    return body


def refused(client: httpx.Client, **request: Any) -> str:
    response = client.post(ROUTE, **request)
    assert response.status_code == httpx.codes.BAD_REQUEST, response.text
    assert list(response.json()) == ["error"]
    return str(response.json()["error"])


def outputs(body: dict[str, Any]) -> dict[str, list[Any]]:
    return {output["name"]: output["data"] for output in body["outputs"]}


@pytest.fixture
def answers(client: httpx.Client, records: list[Record]) -> dict[str, list[Any]]:
    """What v1 says to the same rows."""
    predictions = client.post("/v1/models/heart:predict", json={"instances": records}).json()["predictions"]
    return {
        "label": [prediction["label"] for prediction in predictions],
        "probability": [prediction["probabilities"]["disease"] for prediction in predictions],
        "decision": [prediction["decision"] for prediction in predictions],
    }


def test_tensors_by_name_in_any_order_get_the_answers_of_v1(
    client: httpx.Client, records: list[Record], answers: dict[str, list[Any]]
) -> None:
    body = infer(client, tensors(records)[::-1], id="42")
    assert outputs(body) == answers
    assert body["id"] == "42"


def test_a_matrix_in_contract_order_gets_the_answers_of_v1(
    client: httpx.Client, records: list[Record], answers: dict[str, list[Any]]
) -> None:
    assert outputs(infer(client, [matrix(records)])) == answers
    nested = matrix(records)
    nested["data"] = [nested["data"][at : at + 13] for at in range(0, 52, 13)]
    assert outputs(infer(client, [nested])) == answers


def test_columns_may_have_shape_rows_by_one(
    client: httpx.Client, records: list[Record], answers: dict[str, list[Any]]
) -> None:
    inputs = [{**tensor, "shape": [4, 1]} for tensor in tensors(records)]
    assert outputs(infer(client, inputs)) == answers


@pytest.mark.parametrize("datatype", ["FP64", "FP32", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT64"])
def test_any_datatype_that_holds_the_values_will_do(
    client: httpx.Client, records: list[Record], answers: dict[str, list[Any]], datatype: str
) -> None:
    inputs = tensors(records)
    inputs[0]["datatype"] = datatype
    assert outputs(infer(client, inputs)) == answers


def test_a_response_names_model_version_and_digest_and_holds_no_null(
    client: httpx.Client, served: Served, records: list[Record]
) -> None:
    response = client.post(ROUTE, json={"inputs": tensors(records)})
    body = response.json()
    assert body["model_name"] == "heart"
    assert body["model_version"] == "7"
    assert body["parameters"] == {"digest": served.bundle.manifest.digest, "threshold": 0.4, "warnings": 1}
    assert [(output["name"], output["datatype"], output["shape"]) for output in body["outputs"]] == [
        ("label", "BYTES", [4]),
        ("probability", "FP64", [4]),
        ("decision", "BOOL", [4]),
    ]
    assert "id" not in body
    assert "null" not in response.text


def test_only_the_requested_outputs_are_sent(client: httpx.Client, records: list[Record]) -> None:
    body = infer(client, tensors(records), outputs=[{"name": "probability"}])
    assert list(outputs(body)) == ["probability"]


def test_binary_tensors_go_in_and_out_and_nan_means_missing(
    client: httpx.Client, records: list[Record], answers: dict[str, list[Any]]
) -> None:
    values = np.array(matrix(records)["data"], dtype="<f8").tobytes()
    assert np.isnan(np.frombuffer(values)).any()
    head = json.dumps(
        {
            "inputs": [
                {"name": "x", "shape": [4, 13], "datatype": "FP64", "parameters": {"binary_data_size": len(values)}}
            ],
            "parameters": {"binary_data_output": True},
            "outputs": [
                {"name": "probability"},
                {"name": "label"},
                {"name": "decision", "parameters": {"binary_data": False}},
            ],
        }
    ).encode()
    response = client.post(ROUTE, content=head + values, headers={"Inference-Header-Content-Length": str(len(head))})
    assert response.status_code == httpx.codes.OK, response.text
    assert response.headers["content-type"] == "application/octet-stream"
    length = int(response.headers["Inference-Header-Content-Length"])
    probability, label, decision = json.loads(response.content[:length])["outputs"]
    size = probability["parameters"]["binary_data_size"]
    assert np.frombuffer(response.content[length : length + size]).tolist() == answers["probability"]
    expected = b"".join(struct.pack("<I", len(text)) + text.encode() for text in answers["label"])
    assert response.content[length + size :] == expected
    assert label["parameters"]["binary_data_size"] == len(expected)
    assert decision["data"] == answers["decision"]


def test_a_bad_value_refuses_the_whole_batch_and_is_named(client: httpx.Client, records: list[Record]) -> None:
    records[2]["age"] = 756
    words = "row 2, age: 756{} breaks 'out-of-range'; allowed: a whole number from 18 to 120"
    assert refused(client, json={"inputs": tensors(records)}) == words.format("")
    assert refused(client, json={"inputs": [matrix(records)]}) == words.format(".0")


def test_json_values_must_be_of_their_datatype(client: httpx.Client, records: list[Record]) -> None:
    inputs = tensors(records)
    inputs[0]["data"] = [63, "63", 63.5, True]
    assert refused(client, json={"inputs": inputs}) == (
        "row 1, age: '63' breaks 'wrong-type'; allowed: INT64, or null;"
        " row 2, age: 63.5 breaks 'wrong-type'; allowed: INT64, or null;"
        " row 3, age: True breaks 'wrong-type'; allowed: INT64, or null"
    )
    rows = matrix(records)
    rows["data"][13 + 2] = "4"
    assert refused(client, json={"inputs": [rows]}) == "row 1, cp: '4' breaks 'wrong-type'; allowed: FP64, or null"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Age"}, "inputs: one tensor per feature, or one of shape [rows, features], is needed; absent: age;"),
        ({"name": "sex"}, "inputs: one tensor per feature, or one of shape [rows, features], is needed; absent: age"),
        ({"shape": [3]}, "input 'sex' has shape [4]; [3] or [3, 1] is needed, as in 'age'"),
        ({"shape": [2, 2]}, "input 'age' has shape [2, 2]; [2] or [2, 1] is needed"),
        ({"shape": [0]}, "input 'sex' has shape [4]; [0] or [0, 1] is needed"),
        ({"shape": [-4]}, "inputs[0].shape[0]: input should be greater than or equal to 0"),
        ({"shape": []}, "inputs[0].shape: list should have at least 1 item after validation, not 0"),
        ({"shape": ["4"]}, "inputs[0].shape[0]: input should be a valid integer"),
        ({"datatype": "FP65"}, "inputs[0].datatype: input should be 'BOOL', 'UINT8'"),
        ({"data": [63]}, "input 'age': shape [4] needs 4 values, data has 1"),
        ({"data": [[63], [64], [65], [66]]}, "input 'age': rows aren't all as long as shape [4] says"),
        ({"data": None}, "input 'age' has no data; give `data`, or `binary_data_size` and bytes"),
        ({"data": 63}, "inputs[0].data: input should be a valid list"),
        ({"parameters": {"binary_data_size": 8}}, "input 'age': binary_data_size is 8, but 0 bytes are left"),
    ],
)
def test_a_tensor_that_is_wrong_is_named(
    client: httpx.Client, records: list[Record], change: dict[str, Any], words: str
) -> None:
    first, *others = tensors(records)
    assert refused(client, json={"inputs": [{**first, **change}, *others]}).startswith(words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shape": [4, 12]}, "input 'rows' has 12 columns; it needs 13: age, sex, cp"),
        ({"shape": [4, 13, 1]}, "inputs[0].shape: list should have at most 2 items"),
        ({"shape": [3, 13]}, "input 'rows': shape [3, 13] needs 39 values, data has 52"),
        ({"shape": [0, 13], "data": []}, "the request holds no rows; send at least one"),
        ({"shape": [10_001, 13]}, "the request holds 10001 rows, at most 10000 are allowed; send it in parts"),
        ({"datatype": "BYTES"}, "input 'rows': a matrix holds numbers, not BYTES"),
        ({"data": [[1] * 13, [1] * 13, [1] * 13, [1] * 12]}, "input 'rows': rows aren't all as long as shape [4, 13]"),
    ],
)
def test_a_matrix_that_is_wrong_is_named(
    client: httpx.Client, records: list[Record], change: dict[str, Any], words: str
) -> None:
    assert refused(client, json={"inputs": [{**matrix(records), **change}]}).startswith(words)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", 'the body is empty; send {"inputs": [{"name": …'),
        (b"[]", "the body is a list, not an object"),
        (b"{}", "inputs: field required"),
        (b'{"inputs": []}', "inputs: list should have at least 1 item"),
        (b'{"inputs": [3]}', "inputs[0]: input should be a valid dictionary"),
        (
            b'{"inputs": [{"name": "age", "shape": [1], "datatype": "FP64", "data": [NaN]}]}',
            "the body is no valid JSON",
        ),
        (
            b'{"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}], "outputs": [{"name": "p"}]}',
            "output 'p' doesn't exist; there are label, probability, decision",
        ),
    ],
)
def test_a_body_that_is_no_request_is_refused(client: httpx.Client, body: bytes, words: str) -> None:
    assert refused(client, content=body).startswith(words)


@pytest.mark.parametrize(
    ("size", "rest", "length", "words"),
    [
        (104, b"\0" * 103, None, "input 'x': binary_data_size is 104, but 103 bytes are left"),
        (104, b"\0" * 105, None, "1 bytes after the last binary tensor belong to no input"),
        (96, b"\0" * 96, None, "input 'x': shape [1, 13] of FP64 needs 104 bytes, not 96"),
        (-1, b"", None, "input 'x': binary_data_size is -1"),
        (True, b"\0", None, "input 'x': binary_data_size is True"),
        (104, b"\0" * 104, "9999", "Inference-Header-Content-Length is 9999, but the body has"),
        (104, b"\0" * 104, "-1", "the header Inference-Header-Content-Length is no number of bytes"),
        (104, b"\0" * 104, "10", "the body is no valid JSON"),
    ],
)
def test_binary_data_that_does_not_fit_is_refused(
    client: httpx.Client, size: int, rest: bytes, length: str | None, words: str
) -> None:
    tensor = {"name": "x", "shape": [1, 13], "datatype": "FP64", "parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = {"Inference-Header-Content-Length": length or str(len(head))}
    assert refused(client, content=head + rest, headers=headers).startswith(words)


def test_metadata_lists_the_real_inputs_and_outputs(client: httpx.Client, served: Served) -> None:
    metadata = client.get("/v2/models/heart").json()
    assert metadata["name"] == "heart"
    assert metadata["versions"] == ["7"]
    assert metadata["platform"] == "concord"
    assert [tensor["name"] for tensor in metadata["inputs"]] == served.bundle.contract.feature_names
    assert {tensor["name"]: tensor["datatype"] for tensor in metadata["inputs"]} == {
        name: DATATYPES.get(name, "INT64") for name in served.bundle.contract.feature_names
    }
    assert metadata["outputs"] == [
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
        {"name": "probability", "datatype": "FP64", "shape": [-1]},
        {"name": "decision", "datatype": "BOOL", "shape": [-1]},
    ]
    assert metadata["parameters"] == {
        "digest": served.bundle.manifest.digest,
        "classes": ["no disease", "disease"],
        "positive": "disease",
        "threshold": 0.4,
        "max_rows": 10_000,
    }
