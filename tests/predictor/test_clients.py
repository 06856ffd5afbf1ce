"""The clients that others wrote, unchanged, against the real server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import httpx
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from tritonclient import http as triton
from tritonclient.http import aio as triton_aio
from tritonclient.utils import InferenceServerException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from predictor.served import Served

    Matrix = npt.NDArray[np.float64]

OLD = [756, 1, 4, 160, 286, False, 2, 108, True, 1.5, 2, 3, 3]
TOO_OLD = "row 0, age: 756{} breaks 'out-of-range'; allowed: a whole number from 18 to 120"
NO_LUNG = "there is no model 'lung' here; this predictor serves 'heart'"


class Address(NamedTuple):
    """Host and port, for HTTP and for gRPC."""

    http: str
    grpc: str

    @property
    def url(self) -> str:
        return f"http://{self.http}"


class Reference(NamedTuple):
    """The bundle's golden requests that are answered, a row each, and what is to be answered."""

    records: list[dict[str, Any]]
    labels: list[str]
    probabilities: list[float]

    @property
    def arrays(self) -> list[list[Any]]:
        return [list(record.values()) for record in self.records]

    @property
    def matrix(self) -> Matrix:
        return matrix(self.arrays)

    def check(self, labels: Any, probabilities: Any) -> None:
        """Compare what a client got, perhaps of these rows several times over, as text or bytes."""
        times, rest = divmod(len(labels), len(self.labels))
        assert times
        assert not rest
        assert [text.decode() if isinstance(text, bytes) else text for text in labels] == self.labels * times
        assert list(probabilities) == pytest.approx(self.probabilities * times, abs=1e-6)


def matrix(rows: list[list[Any]]) -> Matrix:
    return np.array(rows, dtype=np.float64)


@pytest.fixture(scope="module")
def address(
    bundle: Path, start: Callable[..., tuple[subprocess.Popen[str], str]], free_port: Callable[[], int]
) -> Iterator[Address]:
    port = free_port()
    process, url = start(bundle, "--enable_grpc", "true", "--grpc_port", str(port))
    yield Address(url.removeprefix("http://"), f"127.0.0.1:{port}")
    process.terminate()
    assert process.wait(30) == 0


@pytest.fixture(scope="module")
def reference(served: Served) -> Reference:
    answered = [request for request in served.bundle.golden.requests if not request.refused]
    return Reference(
        [dict(request.instances[0]) for request in answered],
        [request.labels[0] for request in answered],
        [request.probabilities[0]["disease"] for request in answered],
    )


@pytest.fixture
def client(address: Address) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(address.http) as client:
        yield client


def triton_input(values: Matrix, *, binary: bool = True) -> triton.InferInput:
    tensor = triton.InferInput("rows", list(values.shape), "FP64")
    return tensor.set_data_from_numpy(values, binary_data=binary)


def test_triton_over_http_with_json(client: triton.InferenceServerClient, reference: Reference) -> None:
    # It writes NaN for a missing number, which isn't JSON: such rows go as binary.
    complete = [at for at, row in enumerate(reference.matrix) if not np.isnan(row).any()]
    wanted = [triton.InferRequestedOutput(name, binary_data=False) for name in ("probability", "label")]
    inputs = [triton_input(reference.matrix[complete], binary=False)]
    result = client.infer("heart", inputs, outputs=wanted, request_id="42")
    Reference([], [reference.labels[at] for at in complete], [reference.probabilities[at] for at in complete]).check(
        result.as_numpy("label"), result.as_numpy("probability")
    )
    assert [output["name"] for output in result.get_response()["outputs"]] == ["probability", "label"]
    assert result.get_response()["id"] == "42"
    assert result.as_numpy("decision") is None


def test_triton_over_http_with_json_in_and_binary_out(
    client: triton.InferenceServerClient, reference: Reference
) -> None:
    columns = []
    record = reference.records[0]
    for name, value in record.items():
        kind = {bool: "BOOL", float: "FP64"}.get(type(value), "INT64")
        values: Any = np.array([value], dtype={"BOOL": np.bool_, "FP64": np.float64}.get(kind, np.int64))
        columns.append(triton.InferInput(name, [1], kind).set_data_from_numpy(values, binary_data=False))
    result = client.infer("heart", columns)
    Reference([record], reference.labels[:1], reference.probabilities[:1]).check(
        result.as_numpy("label"), result.as_numpy("probability")
    )
    assert "binary_data_size" in result.get_output("label")["parameters"]


@pytest.mark.parametrize("repeat", [1, 1_000])
@pytest.mark.parametrize("sent", [None, "gzip", "deflate"])
@pytest.mark.parametrize("accepted", [None, "gzip", "deflate"])
def test_triton_over_http_with_binary_tensors(
    client: triton.InferenceServerClient, reference: Reference, repeat: int, sent: str | None, accepted: str | None
) -> None:
    result = client.infer(
        "heart",
        [triton_input(np.tile(reference.matrix, (repeat, 1)))],
        model_version="7",
        request_compression_algorithm=sent,
        response_compression_algorithm=accepted,
    )
    reference.check(result.as_numpy("label"), result.as_numpy("probability"))
    assert result.as_numpy("decision").dtype == np.bool_


@pytest.mark.parametrize("repeat", [1, 1_000])
def test_tritons_asynchronous_client(address: Address, reference: Reference, repeat: int) -> None:
    async def ask() -> Any:
        async with triton_aio.InferenceServerClient(address.http) as client:
            return await client.infer("heart", [triton_input(np.tile(reference.matrix, (repeat, 1)))])

    result = asyncio.run(ask())
    reference.check(result.as_numpy("label"), result.as_numpy("probability"))


def test_what_triton_asks_besides(client: triton.InferenceServerClient, served: Served) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("heart")
    assert client.is_model_ready("heart", "7")
    assert not client.is_model_ready("lung")
    assert not client.is_model_ready("heart", "6")
    assert client.get_server_metadata()["name"] == "kserve"
    inputs = client.get_model_metadata("heart")["inputs"]
    assert [item["name"] for item in inputs] == [feature.name for feature in served.features]


@pytest.mark.parametrize(
    ("model", "values", "status", "message"),
    [("heart", OLD, "400", TOO_OLD.format(".0")), ("lung", OLD, "404", NO_LUNG)],
)
def test_triton_raises_our_text(
    client: triton.InferenceServerClient, model: str, values: list[Any], status: str, message: str
) -> None:
    with pytest.raises(InferenceServerException) as error:
        client.infer(model, [triton_input(matrix([values]))])
    assert (error.value.status(), error.value.message()) == (status, message)


def test_triton_can_not_unload_a_model(client: triton.InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="models are loaded when the predictor starts"):
        client.unload_model("heart")
    with pytest.raises(InferenceServerException, match="no route of this predictor"):
        client.get_model_config("heart")
    assert client.is_model_ready("heart")


def triton_grpc(address: Address, model: str, rows: list[list[Any]]) -> dict[str, Any]:
    program = Path(__file__).with_name("triton_grpc.py")
    ended = subprocess.run(
        [sys.executable, program, address.grpc, model],
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def test_triton_over_grpc(address: Address, reference: Reference, served: Served) -> None:
    answer = triton_grpc(address, "heart", reference.arrays * 500)
    reference.check(answer["label"], answer["probability"])
    assert answer["decision"] == [probability >= served.threshold for probability in answer["probability"]]
    assert answer["inputs"] == [feature.name for feature in served.features]
    assert (answer["live"], answer["ready"], answer["server"], answer["id"]) == (True, True, "kserve", "42")


def test_triton_over_grpc_raises_our_text(address: Address) -> None:
    assert triton_grpc(address, "heart", [OLD]) == {
        "status": "StatusCode.INVALID_ARGUMENT",
        "message": TOO_OLD.format(".0"),
    }
    assert triton_grpc(address, "lung", [OLD]) == {"status": "StatusCode.NOT_FOUND", "message": NO_LUNG}


@pytest.mark.parametrize("form", ["records", "arrays"])
@pytest.mark.parametrize("repeat", [1, 1_000])
def test_kserve_over_v1(address: Address, reference: Reference, form: str, repeat: int) -> None:
    instances = getattr(reference, form) * repeat

    async def ask() -> Any:
        async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
            assert await client.is_server_live(address.url)
            assert await client.is_model_ready(address.url, "heart")
            return await client.infer(address.url, {"instances": instances}, model_name="heart")

    predictions = asyncio.run(ask())["predictions"]
    reference.check(
        [prediction["label"] for prediction in predictions],
        [prediction["probabilities"]["disease"] for prediction in predictions],
    )


def kserve_request(rows: list[list[Any]], form: str, **more: Any) -> InferRequest:
    """A request as KServe's SDK makes it: a list of numbers, or an array to send as bytes."""
    values = matrix(rows)
    if form == "list":
        data = [None if value is None else float(value) for row in rows for value in row]
        return InferRequest("heart", [InferInput("rows", list(values.shape), "FP64", data)], **more)
    tensor = InferInput("rows", list(values.shape), "FP64")
    tensor.set_data_from_numpy(values, binary_data=True)
    return InferRequest("heart", [tensor], **more)


@pytest.mark.parametrize("form", ["list", "bytes"])
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("repeat", [1, 1_000])
def test_kserve_over_v2(address: Address, reference: Reference, form: str, repeat: int, *, binary: bool) -> None:
    wanted = [RequestedOutput(name, {"binary_data": binary}) for name in ("label", "probability")]
    request = kserve_request(reference.arrays * repeat, form, request_id="42", request_outputs=wanted)

    async def ask() -> Any:
        async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
            assert await client.is_server_live(address.url)
            assert await client.is_server_ready(address.url)
            assert await client.is_model_ready(address.url, "heart")
            assert not await client.is_model_ready(address.url, "lung")
            return await client.infer(address.url, request, model_name="heart")

    response = asyncio.run(ask())
    assert response.id == "42"
    reference.check(*(response.get_output_by_name(name).as_numpy() for name in ("label", "probability")))


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_kserves_rest_client_raises_our_text(address: Address, protocol: str) -> None:
    async def ask(model: str) -> Any:
        data: Any = {"instances": [OLD]} if protocol == "v1" else kserve_request([OLD], "bytes")
        async with InferenceRESTClient(RESTConfig(protocol=protocol)) as client:
            return await client.infer(address.url, data, model_name=model)

    for model, text in (("heart", TOO_OLD.format("" if protocol == "v1" else ".0")), ("lung", NO_LUNG)):
        with pytest.raises(httpx.HTTPStatusError) as error:
            asyncio.run(ask(model))
        assert str(error.value).startswith(f"{text}, '4")


@pytest.mark.parametrize("form", ["list", "bytes"])
@pytest.mark.parametrize("repeat", [1, 1_000])
def test_kserve_over_grpc(address: Address, reference: Reference, form: str, repeat: int) -> None:
    rows = [[np.nan if value is None else value for value in row] for row in reference.arrays * repeat]
    request = kserve_request(rows, form, request_id="42", parameters={"binary_data_output": True})

    async def ask() -> Any:
        async with InferenceGRPCClient(address.grpc) as client:
            assert await client.is_server_live()
            assert await client.is_server_ready()
            assert await client.is_model_ready("heart")
            return await client.infer(request)

    response = asyncio.run(ask())
    assert (response.id, response.model_version) == ("42", "7")
    reference.check(*(response.get_output_by_name(name).as_numpy() for name in ("label", "probability")))


def test_kserves_grpc_client_raises_our_text(address: Address) -> None:
    async def ask(model: str) -> Any:
        request = kserve_request([OLD], "bytes")
        request.model_name = model
        async with InferenceGRPCClient(address.grpc) as client:
            return await client.infer(request)

    for model, code, text in (
        ("heart", grpc.StatusCode.INVALID_ARGUMENT, TOO_OLD.format(".0")),
        ("lung", grpc.StatusCode.NOT_FOUND, NO_LUNG),
    ):
        with pytest.raises(grpc.RpcError) as error:
            asyncio.run(ask(model))
        assert (error.value.code(), error.value.details()) == (code, text)
