"""The server's v2 messages against the Open Inference Protocol: what its REST specification says of each, as schemas.

Specification: `inference_rest.md` and `open_inference_rest.yaml` in `specification/protocol/` of
github.com/kserve/open-inference-protocol; a tensor as bytes has `binary_data_size` instead of `data`. An optional field
is absent or of its type: `null` fits nowhere. KServe's own models of the messages are the second opinion.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import jsonschema_rs
import pytest
from kserve.protocol.rest import v2_datamodels

if TYPE_CHECKING:
    Record = dict[str, Any]
    Schema = dict[str, Any]

INFER = "/v2/models/heart/infer"
TEXT: Schema = {"type": "string"}
DATATYPES = ["BOOL", *(f"{kind}{bits}" for kind in ("UINT", "INT") for bits in (8, 16, 32, 64))]
DATATYPES += ["FP16", "FP32", "FP64", "BYTES"]
PARAMETERS: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}


def object_of(required: Schema, optional: Schema | None = None) -> Schema:
    return {"type": "object", "required": list(required), "properties": required | (optional or {})}


def tensor(least: int) -> Schema:
    """Name, datatype and shape; -1 stands for a size that varies, in metadata only."""
    shape = {"type": "array", "items": {"type": "integer", "minimum": least}}
    return {"name": TEXT, "datatype": {"enum": DATATYPES}, "shape": shape}


OUTPUT = {
    **object_of(tensor(0), {"parameters": PARAMETERS, "data": {"type": "array", "items": {"not": {"type": "null"}}}}),
    "oneOf": [
        {"required": ["data"]},
        {
            "required": ["parameters"],
            "properties": {"parameters": object_of({"binary_data_size": {"type": "integer", "minimum": 0}})},
        },
    ],
}
SERVER_METADATA = object_of({"name": TEXT, "version": TEXT, "extensions": {"type": "array", "items": TEXT}})
MODEL_METADATA = object_of(
    {
        "name": TEXT,
        "platform": TEXT,
        "inputs": {"type": "array", "items": object_of(tensor(-1))},
        "outputs": {"type": "array", "items": object_of(tensor(-1))},
    },
    {"versions": {"type": "array", "items": TEXT, "minItems": 1}},
)
INFER_RESPONSE = object_of(
    {"model_name": TEXT, "outputs": {"type": "array", "items": OUTPUT}},
    {"model_version": TEXT, "id": TEXT, "parameters": PARAMETERS},
)
ERROR = {**object_of({"error": TEXT}), "additionalProperties": False}


def fits(schema: Schema, content: Any) -> bool:
    jsonschema_rs.Draft202012Validator(schema).validate(content)
    return True


@pytest.fixture
def request_content(records: list[Record]) -> dict[str, Any]:
    data = [None if value is None else float(value) for record in records for value in record.values()]
    matrix = {"name": "rows", "shape": [len(records), len(records[0])], "datatype": "FP64", "data": data}
    return {"id": "42", "inputs": [matrix]}


def test_metadata_of_the_server(client: httpx.Client) -> None:
    content = client.get("/v2").json()
    assert fits(SERVER_METADATA, content)
    assert "binary_tensor_data" in content["extensions"]
    v2_datamodels.ServerMetadataResponse.model_validate(content, strict=True)


@pytest.mark.parametrize("path", ["/v2/models/heart", "/v2/models/heart/versions/7"])
def test_metadata_of_a_model(client: httpx.Client, path: str) -> None:
    content = client.get(path).json()
    assert fits(MODEL_METADATA, content)
    v2_datamodels.ModelMetadataResponse.model_validate(content, strict=True)


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v2/health/live", object_of({"live": {"const": True}})),
        ("/v2/health/ready", object_of({"ready": {"const": True}})),
        ("/v2/models/heart/ready", object_of({"name": TEXT, "ready": {"const": True}})),
        ("/v2/models/heart/versions/7/ready", object_of({"name": TEXT, "ready": {"const": True}})),
    ],
)
def test_health(client: httpx.Client, path: str, schema: Schema) -> None:
    response = client.get(path)
    assert response.status_code == httpx.codes.OK
    assert fits(schema, response.json())


@pytest.mark.parametrize("path", [INFER, "/v2/models/heart/versions/7/infer"])
def test_an_answer(client: httpx.Client, request_content: dict[str, Any], path: str) -> None:
    response = client.post(path, json=request_content)
    assert response.headers["content-type"] == "application/json"
    assert fits(INFER_RESPONSE, response.json())
    v2_datamodels.InferenceResponse.model_validate(response.json(), strict=True)
    assert response.json()["id"] == "42"
    assert all("data" in output for output in response.json()["outputs"])


@pytest.mark.parametrize("content", [{}, {"id": None}])
def test_an_answer_to_a_request_without_an_id_has_none(
    client: httpx.Client, request_content: dict[str, Any], content: dict[str, Any]
) -> None:
    answer = client.post(INFER, json={**content, "inputs": request_content["inputs"]}).json()
    assert fits(INFER_RESPONSE, answer)
    assert "id" not in answer


def test_the_json_of_an_answer_in_binary(client: httpx.Client, request_content: dict[str, Any]) -> None:
    response = client.post(INFER, json={**request_content, "parameters": {"binary_data_output": True}})
    content = json.loads(response.content[: int(response.headers["Inference-Header-Content-Length"])])
    assert fits(INFER_RESPONSE, content)
    assert all("data" not in output for output in content["outputs"])


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", INFER, b"{}", 400),
        ("POST", INFER, b"\xff", 400),
        ("POST", "/v2/models/lung/infer", b"{}", 404),
        ("POST", "/v2/models/heart/versions/6/infer", b"{}", 404),
        ("GET", "/v2/models/lung", b"", 404),
        ("GET", "/v2/models/lung/ready", b"", 404),
        ("GET", "/v2/nowhere", b"", 404),
        ("GET", INFER, b"", 405),
        ("POST", "/v2/health/live", b"", 405),
    ],
)
def test_an_error(client: httpx.Client, method: str, path: str, body: bytes, status: int) -> None:
    response = client.request(method, path, content=body, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert fits(ERROR, response.json())


@pytest.mark.parametrize("change", [{"id": None}, {"model_version": None}, {"parameters": None}, {"outputs": [None]}])
def test_null_fits_nowhere(client: httpx.Client, request_content: dict[str, Any], change: dict[str, Any]) -> None:
    answer = client.post(INFER, json=request_content).json()
    with pytest.raises(jsonschema_rs.ValidationError):
        fits(INFER_RESPONSE, answer | change)
