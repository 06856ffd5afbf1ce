"""The Open Inference Protocol over gRPC, through a real channel, against a server in this process."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import pytest
import uvloop
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from predictor import turns, v2
from predictor.endpoint import endpoints_of
from predictor.errors import PortInUse
from predictor.grpc import infer, server
from predictor.metrics import Metrics
from predictor.model import BundleModel
from predictor.repository import Repository
from predictor.settings import Settings
from predictor.tensor import to_binary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from predictor.served import Served

    Record = dict[str, Any]
    Serve = Callable[[Repository, Settings], grpc.Channel]

OUTPUTS = {"label": "BYTES", "probability": "FP64", "decision": "BOOL"}
SERVICE = "/inference.GRPCInferenceService/"
CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
DATATYPES = {"oldpeak": "FP64", "fbs": "BOOL", "exang": "BOOL"}


def tensor(name: str, datatype: str, values: list[Any], shape: list[int] | None = None) -> Any:
    contents = messages.InferTensorContents(**{CONTENTS[datatype]: values})
    return messages.ModelInferRequest.InferInputTensor(
        name=name, datatype=datatype, shape=shape or [len(values)], contents=contents
    )


def columns(records: list[Record]) -> list[Any]:
    """A tensor a feature, of records that miss nothing."""
    return [
        tensor(name, DATATYPES.get(name, "INT64"), [record[name] for record in records])
        for name in reversed(records[0])
    ]


def matrix(records: list[Record], datatype: str = "FP64") -> Any:
    values = [np.nan if value is None else float(value) for record in records for value in record.values()]
    return tensor("rows", datatype, values, [len(records), len(records[0])])


def raw(inputs: list[Any]) -> dict[str, Any]:
    """The same tensors with their values as bytes."""
    contents = [to_binary(item.datatype, list(getattr(item.contents, CONTENTS[item.datatype]))) for item in inputs]
    for item in inputs:
        item.ClearField("contents")
    return {"inputs": inputs, "raw_input_contents": contents}


def request(**fields: Any) -> Any:
    return messages.ModelInferRequest(**{"model_name": "heart", **fields})


def outputs(response: Any) -> dict[str, list[Any]]:
    found = {}
    for item in response.outputs:
        values = list(getattr(item.contents, CONTENTS[item.datatype]))
        found[item.name] = [value.decode() for value in values] if item.datatype == "BYTES" else values
    return found


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Serve models over gRPC on the predictor's kind of event loop; returns a channel to them."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    servers = []
    channels = []

    async def listen(repository: Repository, settings: Settings) -> Any:
        loaded = [model.served for model in repository.models if model.ready]
        metrics = Metrics(loaded, repository.is_ready)
        listening = server(repository, endpoints_of(loaded, metrics, settings.inline_bytes), metrics, settings)
        await listening.start()
        return listening

    def listening_at(repository: Repository, settings: Settings) -> grpc.Channel:
        servers.append(asyncio.run_coroutine_threadsafe(listen(repository, settings), loop).result())
        channels.append(grpc.insecure_channel(f"127.0.0.1:{settings.grpc_port}"))
        return channels[-1]

    yield listening_at
    for channel in channels:
        channel.close()
    for listening in servers:
        asyncio.run_coroutine_threadsafe(listening.stop(1), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def model(bundle: Path) -> BundleModel:
    model = BundleModel(bundle, "heart")
    model.load()
    return model


@pytest.fixture(scope="module")
def settings(bundle: Path, free_port: Callable[[], int]) -> Callable[..., Settings]:
    """Settings with a gRPC port that nobody has."""
    return lambda **changes: Settings(bundle=bundle, grpc_port=free_port(), **changes)


@pytest.fixture(scope="module")
def channel(serve: Serve, model: BundleModel, settings: Callable[..., Settings]) -> grpc.Channel:
    return serve(Repository([model]), settings())


@pytest.fixture(scope="module")
def stub(channel: grpc.Channel) -> Any:
    return GRPCInferenceServiceStub(channel)


@pytest.fixture
def complete(records: list[Record]) -> list[Record]:
    """The rows that miss nothing: typed integers have no way to say so."""
    return [record for record in records if None not in record.values()]


@pytest.fixture
def answered(served: Served) -> Callable[[list[Record]], dict[str, list[Any]]]:
    """What v2 over HTTP says to records."""

    def ask(records: list[Record]) -> dict[str, list[Any]]:
        inputs = [
            {"name": name, "shape": [len(records)], "datatype": DATATYPES.get(name, "INT64"), "data": values}
            for name, values in ((name, [record[name] for record in records]) for name in records[0])
        ]
        body = json.loads(turns.at_once(v2.answer(served, json.dumps({"inputs": inputs}).encode())).body)
        return {output["name"]: output["data"] for output in body["outputs"]}

    return ask


def refused(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as error:
        call()
    return error.value.code(), error.value.details()


def malformed(stub: Any, **fields: Any) -> str:
    code, text = refused(lambda: stub.ModelInfer(request(**fields)))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    return text


def test_typed_tensors_get_the_answers_of_http(
    stub: Any, complete: list[Record], answered: Callable[..., dict[str, list[Any]]]
) -> None:
    response = stub.ModelInfer(request(inputs=columns(complete), id="42"))
    assert outputs(response) == answered(complete)
    assert not response.raw_output_contents
    assert response.id == "42"


@pytest.mark.parametrize("datatype", ["FP64", "FP32"])
def test_a_matrix_gets_the_answers_of_http_and_nan_means_missing(
    stub: Any, records: list[Record], answered: Callable[..., dict[str, list[Any]]], datatype: str
) -> None:
    assert any(None in record.values() for record in records)
    found = outputs(stub.ModelInfer(request(inputs=[matrix(records, datatype)])))
    expected = answered(records)
    assert found.pop("probability") == pytest.approx(expected.pop("probability"), abs=1e-6)
    assert found == expected


def test_raw_tensors_get_raw_answers(
    stub: Any, complete: list[Record], answered: Callable[..., dict[str, list[Any]]]
) -> None:
    response = stub.ModelInfer(request(**raw(columns(complete))))
    expected = answered(complete)
    assert response.raw_output_contents == [to_binary(datatype, expected[name]) for name, datatype in OUTPUTS.items()]
    assert not any(output.HasField("contents") for output in response.outputs)
    assert [(item.name, item.datatype, list(item.shape)) for item in response.outputs] == [
        (name, datatype, [len(complete)]) for name, datatype in OUTPUTS.items()
    ]


def test_a_raw_matrix_gets_the_same_answer(stub: Any, records: list[Record], answered: Callable[..., Any]) -> None:
    response = stub.ModelInfer(request(**raw([matrix(records)]), outputs=[{"name": "probability"}]))
    assert np.frombuffer(response.raw_output_contents[0]).tolist() == answered(records)["probability"]


@pytest.mark.parametrize("datatype", [datatype for datatype in CONTENTS if datatype not in {"BOOL", "BYTES"}])
@pytest.mark.parametrize("form", ["typed", "raw"])
def test_any_datatype_that_holds_the_values_will_do(
    stub: Any, complete: list[Record], answered: Callable[..., Any], datatype: str, form: str
) -> None:
    inputs = [item for item in columns(complete) if item.name != "age"]
    inputs.append(tensor("age", datatype, [record["age"] for record in complete]))
    fields = {"inputs": inputs} if form == "typed" else raw(inputs)
    response = stub.ModelInfer(request(**fields, outputs=[{"name": "decision"}]))
    found = list(response.raw_output_contents[0]) if form == "raw" else outputs(response)["decision"]
    assert found == answered(complete)["decision"]


@pytest.mark.parametrize("form", ["typed", "raw"])
def test_text_is_read_as_text(stub: Any, complete: list[Record], form: str) -> None:
    inputs = [item for item in columns(complete[:1]) if item.name != "age"]
    contents = tensor("age", "BYTES", [b"drei"])
    if form == "typed":
        fields = {"inputs": [*inputs, contents]}
    else:
        fields = raw(inputs)
        contents.ClearField("contents")
        fields["inputs"].append(contents)
        fields["raw_input_contents"].append(b"\4\0\0\0drei")
    assert malformed(stub, **fields).startswith("row 0, age: 'drei' breaks 'wrong-type'; allowed: a whole number")


def test_a_response_says_what_http_says(stub: Any, served: Served, records: list[Record]) -> None:
    response = stub.ModelInfer(request(inputs=[matrix(records)]))
    assert (response.model_name, response.model_version, response.id) == ("heart", "7", "")
    assert response.parameters["digest"].string_param == served.bundle.manifest.digest
    assert float(response.parameters["threshold"].string_param) == 0.4
    assert response.parameters["warnings"].int64_param == 1


def test_only_the_requested_outputs_are_sent_in_their_order(stub: Any, records: list[Record]) -> None:
    wanted = [{"name": "decision"}, {"name": "label"}]
    response = stub.ModelInfer(request(inputs=[matrix(records)], outputs=wanted))
    assert list(outputs(response)) == ["decision", "label"]
    response = stub.ModelInfer(request(**raw([matrix(records)]), outputs=wanted))
    assert [item.name for item in response.outputs] == ["decision", "label"]
    assert response.raw_output_contents[0] == bytes(
        outputs(stub.ModelInfer(request(inputs=[matrix(records)])))["decision"]
    )


def test_a_bad_value_is_refused_with_the_text_of_http(stub: Any, complete: list[Record]) -> None:
    complete[1]["age"] = 756
    text = "row 1, age: 756{} breaks 'out-of-range'; allowed: a whole number from 18 to 120"
    assert malformed(stub, inputs=columns(complete)) == text.format("")
    assert malformed(stub, inputs=[matrix(complete)]) == text.format(".0")
    assert malformed(stub, **raw([matrix(complete)])) == text.format(".0")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "inputs: list should have at least 1 item"),
        (
            {"inputs": [tensor("rows", "FP64", [1.0], [1, 12])]},
            "input 'rows' has 12 columns; it needs 13: age, sex, cp",
        ),
        (
            {"inputs": [tensor("rows", "FP64", [1.0], [1, 13])]},
            "input 'rows': shape [1, 13] needs 13 values, data has 1",
        ),
        ({"inputs": [tensor("rows", "FP64", [], [0, 13])]}, "the request holds no rows; send at least one"),
        ({"inputs": [tensor("rows", "FP64", [1.0], [10_001, 13])]}, "the request holds 10001 rows, at most 10000"),
        (
            {"inputs": [tensor("age", "INT64", [63])]},
            "inputs: one tensor per feature, or one of shape [rows, features]",
        ),
        ({"inputs": [{"name": "age", "datatype": "FP65", "shape": [1]}]}, "inputs[0].datatype: input should be 'BOOL'"),
        ({"inputs": [tensor("age", "INT64", [63], [1, 1, 1])]}, "inputs[0].shape: list should have at most 2 items"),
        (
            {"inputs": [{"name": "age", "datatype": "INT64", "shape": [-1]}]},
            "input 'age' has no data; give int64_contents",
        ),
        (
            {"inputs": [tensor("age", "INT64", [63], [-1])]},
            "inputs[0].shape[0]: input should be greater than or equal to 0",
        ),
        ({"inputs": [tensor("x", "BYTES", [b"\xff"])]}, "input 'x': its values aren't all UTF-8 text"),
        (
            {"inputs": [{"name": "age", "datatype": "FP64", "shape": [1], "contents": {"int64_contents": [63]}}]},
            "input 'age': FP64 belongs in fp64_contents, not in int64_contents",
        ),
        (
            {"inputs": [tensor("age", "INT64", [63])], "outputs": [{"name": "p"}]},
            "output 'p' doesn't exist; there are label, probability, decision",
        ),
        (
            {"inputs": [tensor("age", "INT64", [63])], "raw_input_contents": [b"", b""]},
            "raw_input_contents holds 2 tensors for 1 inputs; send all of them raw, or none",
        ),
        (
            {"inputs": [tensor("age", "INT64", [63])], "raw_input_contents": [b"\0" * 8]},
            "input 'age' has contents besides raw_input_contents; send one of them",
        ),
        (
            {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 13]}], "raw_input_contents": [b"\0" * 96]},
            "input 'x': shape [1, 13] of FP64 needs 104 bytes, not 96",
        ),
    ],
)
def test_what_is_no_request_is_refused(stub: Any, fields: dict[str, Any], words: str) -> None:
    assert malformed(stub, **fields).startswith(words)


def test_bytes_that_are_no_message_are_refused(channel: grpc.Channel) -> None:
    code, text = refused(lambda: channel.unary_unary(f"{SERVICE}ModelInfer")(b"\xff\xff"))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert text == "the message isn't what the protocol says; build it from KServe's .proto file"


def test_a_long_text_is_cut_so_that_clients_take_it(stub: Any) -> None:
    names = [tensor(chr(0x4E00 + at) * 39, "INT64", [1]) for at in range(25)]
    text = malformed(stub, inputs=names)
    assert text.startswith("inputs: one tensor per feature")
    assert text.endswith("…")
    assert len(text.encode()) <= 2403


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model_name": "lung"}, "there is no model 'lung' here; this predictor serves 'heart'"),
        ({"model_version": "6"}, "model 'heart' has no version '6' here; this is '7'"),
    ],
)
def test_another_model_or_version_is_not_found(stub: Any, fields: dict[str, str], words: str) -> None:
    found = request(**fields)
    asked = {"name": found.model_name, "version": found.model_version}
    for call in (
        lambda: stub.ModelInfer(found),
        lambda: stub.ModelReady(messages.ModelReadyRequest(**asked)),
        lambda: stub.ModelMetadata(messages.ModelMetadataRequest(**asked)),
    ):
        assert refused(call) == (grpc.StatusCode.NOT_FOUND, words)


def test_the_version_may_be_named(stub: Any, records: list[Record]) -> None:
    assert stub.ModelInfer(request(inputs=[matrix(records)], model_version="7")).model_version == "7"
    assert stub.ModelReady(messages.ModelReadyRequest(name="heart", version="7")).ready


def test_metadata_is_that_of_http(stub: Any, served: Served) -> None:
    found = stub.ModelMetadata(messages.ModelMetadataRequest(name="heart"))
    expected = json.loads(v2.metadata(served))
    assert (found.name, list(found.versions), found.platform) == ("heart", ["7"], "concord")
    for tensors, described in ((found.inputs, expected["inputs"]), (found.outputs, expected["outputs"])):
        assert [
            {"name": item.name, "datatype": item.datatype, "shape": list(item.shape)} for item in tensors
        ] == described
    assert stub.ServerMetadata(messages.ServerMetadataRequest()).name == "kserve"


def test_live_and_ready(stub: Any) -> None:
    assert stub.ServerLive(messages.ServerLiveRequest()).live
    assert stub.ServerReady(messages.ServerReadyRequest()).ready
    assert stub.ModelReady(messages.ModelReadyRequest(name="heart")).ready


def test_a_model_that_is_not_loaded_yet_is_unready(
    serve: Serve, bundle: Path, settings: Callable[..., Settings], records: list[Record]
) -> None:
    stub = GRPCInferenceServiceStub(serve(Repository([BundleModel(bundle, "heart")]), settings()))
    assert stub.ServerLive(messages.ServerLiveRequest()).live
    assert not stub.ServerReady(messages.ServerReadyRequest()).ready
    assert not stub.ModelReady(messages.ModelReadyRequest(name="heart")).ready
    code, text = refused(lambda: stub.ModelInfer(request(inputs=[matrix(records)])))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert text.startswith("model 'heart' isn't loaded yet")


def test_a_model_that_is_being_stopped_is_unready_but_answers(
    serve: Serve, bundle: Path, settings: Callable[..., Settings], records: list[Record]
) -> None:
    stopping = BundleModel(bundle, "heart")
    stopping.load()
    repository = Repository([stopping])
    stub = GRPCInferenceServiceStub(serve(repository, settings()))
    repository.stop()
    assert not stub.ServerReady(messages.ServerReadyRequest()).ready
    assert not stub.ModelReady(messages.ModelReadyRequest(name="heart")).ready
    assert len(stub.ModelInfer(request(inputs=[matrix(records)])).outputs) == 3


def test_models_are_neither_loaded_nor_unloaded_from_outside(stub: Any) -> None:
    load = messages.RepositoryModelLoadRequest(model_name="heart")
    unload = messages.RepositoryModelUnloadRequest(model_name="heart")
    assert refused(lambda: stub.RepositoryModelLoad(load)) == (
        grpc.StatusCode.UNIMPLEMENTED,
        "models are loaded when the predictor starts, and in no other way",
    )
    assert refused(lambda: stub.RepositoryModelUnload(unload)) == (
        grpc.StatusCode.UNIMPLEMENTED,
        "models stay loaded until the predictor stops",
    )
    assert stub.ModelReady(messages.ModelReadyRequest(name="heart")).ready


def test_a_method_that_is_not_here_is_named(channel: grpc.Channel) -> None:
    assert refused(lambda: channel.unary_unary(f"{SERVICE}ModelConfig")(b"")) == (
        grpc.StatusCode.UNIMPLEMENTED,
        f"{SERVICE}ModelConfig is no method of this predictor",
    )


def test_a_long_message_is_refused(serve: Serve, model: BundleModel, settings: Callable[..., Settings]) -> None:
    stub = GRPCInferenceServiceStub(serve(Repository([model]), settings(max_body_bytes=1_000)))
    assert refused(lambda: stub.ModelInfer(request(id="x" * 1_000))) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "the message has more than 1000 bytes; send its rows in several requests",
    )
    for compression in grpc.Compression:
        code, _ = refused(lambda how=compression: stub.ModelInfer(request(id="x" * 100_000), compression=how))  # type: ignore[misc]
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_failure_is_told_in_our_words_and_logged(
    serve: Serve,
    model: BundleModel,
    settings: Callable[..., Settings],
    records: list[Record],
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Repository):
        def find(self, name: str, version: str | None = None) -> Served:
            raise ZeroDivisionError("a secret")

    stub = GRPCInferenceServiceStub(serve(Broken([model]), settings()))
    logger = logging.getLogger("predictor")
    logger.addHandler(caplog.handler)
    try:
        assert refused(lambda: stub.ModelInfer(request(inputs=[matrix(records)]))) == (
            grpc.StatusCode.INTERNAL,
            "the predictor failed on this request; its log says why",
        )
    finally:
        logger.removeHandler(caplog.handler)
    assert f"{SERVICE}ModelInfer failed" in caplog.text
    assert "ZeroDivisionError: a secret" in caplog.text


def test_a_large_request_is_answered_in_short_turns(served: Served, records: list[Record]) -> None:
    message = request(inputs=[matrix(records * 2_500)])
    work = infer(served, message)
    assert sum(1 for _ in work) >= 10_000 / turns.ROWS
    small = infer(served, request(inputs=[matrix(records)]))
    assert outputs(turns.at_once(infer(served, message)))["label"][:4] == outputs(turns.at_once(small))["label"]


def test_large_requests_get_the_same_answer_and_give_their_bytes_back(
    serve: Serve, model: BundleModel, settings: Callable[..., Settings], records: list[Record], stub: Any
) -> None:
    message = request(inputs=[matrix(records * 500)])
    limits = settings(max_held_bytes=message.ByteSize())
    large = GRPCInferenceServiceStub(serve(Repository([model]), limits))
    expected = outputs(stub.ModelInfer(request(inputs=[matrix(records)])))
    for _ in range(3):
        found = outputs(large.ModelInfer(message))
        assert found["label"] == expected["label"] * 500
        assert found["probability"] == pytest.approx(expected["probability"] * 500, abs=1e-12)
    too_much = request(inputs=[matrix(records * 501)])
    assert refused(lambda: large.ModelInfer(too_much)) == (
        grpc.StatusCode.UNAVAILABLE,
        "the predictor holds as many bytes of requests as it may; try again in a second",
    )
    assert large.ModelInfer(message).model_name == "heart"


def test_a_port_in_use_is_named(serve: Serve, model: BundleModel, settings: Callable[..., Settings]) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        limits = settings().model_copy(update={"grpc_port": port})
        with pytest.raises(PortInUse, match=f"port {port} can't be listened on; choose another --grpc_port"):
            serve(Repository([model]), limits)
