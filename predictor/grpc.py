"""The Open Inference Protocol over gRPC: KServe's messages in and out, and between them the very code that answers v2.

Import it after `predictor.sdk`, and only if gRPC is served. Messages: Open Inference Protocol,
`open_inference_grpc.proto`.
"""

from __future__ import annotations

import logging
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as services

from contract.encoding import shown
from contract.errors import RequestRefused
from predictor import v2
from predictor.errors import MalformedRequest, NotReady, Overloaded, PortInUse, RequestError, TooLarge
from predictor.outputs import output_values, outputs_of
from predictor.tensor import to_binary
from predictor.truth import LONGEST_ID

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from contract.encoding import Encoded
    from contract.scorer import Answer
    from predictor.endpoint import Endpoint, Score
    from predictor.metrics import Metrics
    from predictor.repository import Repository
    from predictor.served import Served
    from predictor.settings import Settings
    from predictor.turns import Turns

logger = logging.getLogger("predictor")

_CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
_EXAMPLE = "inputs of a name, shape [rows], a datatype and contents or raw_input_contents"
_STATUS = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
_INT32 = 2**31 - 1
_LONGEST_NAME = 80
_LONGEST_TEXT = 2_400
"""Bytes of an error's text. It travels in a header, where clients take 8 KiB and each byte may become three."""


class _NoMethod(RequestError):
    """Nothing here does that."""

    status = 501


def server(repository: Repository, endpoints: Mapping[str, Endpoint], metrics: Metrics, settings: Settings) -> Any:
    """A `grpc.aio.Server` that holds its port and isn't started yet; call it on the event loop that is to run it.

    Raises `PortInUse`.
    """
    options = [
        # What is a little too long is refused in our words; what is longer still is ended by gRPC, unread.
        ("grpc.max_receive_message_length", min(2 * settings.max_body_bytes, _INT32)),
        # Else a second process would get the port too, and half of the requests.
        ("grpc.so_reuseport", 0),
    ]
    listening = grpc.aio.server(interceptors=[_Statuses(metrics)], options=options)
    services.add_GRPCInferenceServiceServicer_to_server(Inference(repository, endpoints, settings), listening)
    try:
        listening.add_insecure_port(f"[::]:{settings.grpc_port}")
    except RuntimeError:
        raise PortInUse(f"port {settings.grpc_port} can't be listened on; choose another --grpc_port") from None
    return listening


class Inference(services.GRPCInferenceServiceServicer):  # type: ignore[misc]  # kserve ships no types
    """The methods of the service. They raise what v2 raises; statuses are made of that further out."""

    def __init__(self, repository: Repository, endpoints: Mapping[str, Endpoint], settings: Settings) -> None:
        self._repository = repository
        self._endpoints = endpoints
        self._settings = settings
        self._held = 0

    async def ServerLive(self, _request: Any, _context: Any) -> Any:  # noqa: N802  # the protocol's names
        """Whether the process answers at all."""
        return messages.ServerLiveResponse(live=True)

    async def ServerReady(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        """Whether every model answers."""
        return messages.ServerReadyResponse(ready=self._repository.ready)

    async def ModelReady(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """Whether one model answers."""
        try:
            ready = self._repository.is_ready(request.name, request.version or None)
        except NotReady:
            ready = False
        return messages.ModelReadyResponse(ready=ready)

    async def ServerMetadata(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        """Which server this is."""
        return messages.ServerMetadataResponse(name="kserve", version=metadata.version("kserve"))

    async def ModelMetadata(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """A model's inputs and outputs. The protocol has no room for more of what HTTP tells."""
        described = v2.description(self._repository.find(request.name, request.version or None))
        del described["parameters"]
        return messages.ModelMetadataResponse(**described)

    async def ModelInfer(self, request: Any, _context: Any) -> Any:  # noqa: N802
        """Answer one request, all of it or nothing; large ones one after the other, and in turns."""
        self._repository.find(request.model_name, request.model_version or None)
        endpoint = self._endpoints[request.model_name]
        limits = self._settings

        def answer(score: Score) -> Turns[Any]:
            return infer(endpoint.served, request, score)

        size = request.ByteSize()
        if size > limits.max_body_bytes:
            raise TooLarge(
                f"the message has more than {limits.max_body_bytes} bytes; send its rows in several requests"
            )
        identity = request.id.encode()
        if len(identity) > LONGEST_ID or b"\n" in identity:
            identity = b""
        if size <= limits.inline_bytes:
            return endpoint.at_once(answer, identity)
        if self._held + size > limits.max_held_bytes:
            raise Overloaded("the predictor holds as many bytes of requests as it may; try again in a second")
        self._held += size
        try:
            return await endpoint.in_turns(answer, identity)
        finally:
            self._held -= size

    async def RepositoryModelLoad(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        """Refused."""
        raise _NoMethod("models are loaded when the predictor starts, and in no other way")

    async def RepositoryModelUnload(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        """Refused."""
        raise _NoMethod("models stay loaded until the predictor stops")


def infer(served: Served, message: Any, score: Score | None = None) -> Turns[Any]:
    """The `ModelInferResponse` to a `ModelInferRequest`, with raw contents if the request came with such.

    Raises `MalformedRequest` for what isn't v2, and `RequestRefused` for values that break the contract.
    """
    request = read(served, message)
    yield
    raw = list(message.raw_input_contents)
    encoded = yield from v2.encode_in_turns(served, request, raw or [None] * len(request.inputs))
    scored = yield from served.score(encoded.matrix, score)
    return _response(served, request, encoded, scored, is_raw=bool(raw))


def read(served: Served, message: Any) -> v2.InferRequest:
    """The request in a message, without its raw contents. Raises `MalformedRequest`."""
    raw = len(message.raw_input_contents)
    if raw and raw != len(message.inputs):
        raise MalformedRequest(
            f"raw_input_contents holds {raw} tensors for {len(message.inputs)} inputs; send all of them raw, or none"
        )
    content = {
        "id": message.id or None,
        "inputs": [_tensor(tensor, is_raw=bool(raw)) for tensor in message.inputs],
        "outputs": [{"name": output.name} for output in message.outputs],
    }
    return v2.check(served, content, _EXAMPLE)


def _tensor(tensor: Any, *, is_raw: bool) -> dict[str, Any]:
    content = {"name": tensor.name, "shape": list(tensor.shape), "datatype": tensor.datatype}
    field = _CONTENTS.get(tensor.datatype)
    given = [descriptor.name for descriptor, _ in tensor.contents.ListFields()]
    if is_raw and given:
        raise MalformedRequest(f"input {shown(tensor.name)} has contents besides raw_input_contents; send one of them")
    if is_raw or field is None:
        return content
    if given not in ([], [field]):
        raise MalformedRequest(
            f"input {shown(tensor.name)}: {tensor.datatype} belongs in {field}, not in {' and '.join(given)}"
        )
    if not tensor.HasField("contents"):
        raise MalformedRequest(f"input {shown(tensor.name)} has no data; give {field}, or raw_input_contents")
    values = list(getattr(tensor.contents, field))
    content["data"] = _texts(tensor.name, values) if tensor.datatype == "BYTES" else values
    return content


def _texts(name: str, values: list[bytes]) -> list[str]:
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError:
        raise MalformedRequest(f"input {shown(name)}: its values aren't all UTF-8 text") from None


def _response(served: Served, request: v2.InferRequest, encoded: Encoded, scored: Answer, *, is_raw: bool) -> Any:
    known = outputs_of(served)
    tensors, raw = [], []
    for name, values in output_values(served, request.wanted, scored).items():
        datatype, shape = known[name]
        rows = [len(scored.decided), *shape]
        tensor = messages.ModelInferResponse.InferOutputTensor(name=name, datatype=datatype, shape=rows)
        if is_raw:
            raw.append(to_binary(datatype, values))
        else:
            contents = [text.encode() for text in values] if datatype == "BYTES" else values
            getattr(tensor.contents, _CONTENTS[datatype]).extend(contents)
        tensors.append(tensor)
    return messages.ModelInferResponse(
        model_name=served.name,
        model_version=served.version,
        id=request.id or "",
        parameters={name: _parameter(value) for name, value in v2.parameters(served, encoded).items()},
        outputs=tensors,
        raw_output_contents=raw,
    )


def _parameter(value: str | float) -> Any:
    """The protocol has no fractions here: they go as text."""
    if isinstance(value, int):
        return messages.InferParameter(int64_param=value)
    return messages.InferParameter(string_param=str(value))


class _Statuses(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # grpc ships no types
    """Reads messages and makes statuses of errors; gRPC's own would show a client a library's text."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        """Wrap the method that is called."""
        method = await continuation(details) or _missing(details.method)
        metrics = self._metrics

        async def answer(body: bytes, context: Any) -> Any:
            started = time.perf_counter()
            message, status, kind = None, 200, ""
            metrics.in_flight += 1
            try:
                message = _message(method, body)
                return await method.unary_unary(message, context)
            except RequestRefused as error:
                status, kind, text = 400, "refused", str(error)
                metrics.refused(getattr(message, "model_name", ""), error.violations)
            except RequestError as error:
                status, kind, text = error.status, error.kind, str(error)
            except Exception:
                logger.exception("%s failed", details.method)
                status, kind, text = 500, "internal", "the predictor failed on this request; its log says why"
            finally:
                metrics.in_flight -= 1
                model = getattr(message, "model_name", "")
                metrics.answered(metrics.route(model, "grpc.infer"), status, time.perf_counter() - started)
                if kind:
                    metrics.error(model, kind)
            return await context.abort(_STATUS[status], _shortened(text))

        return grpc.unary_unary_rpc_method_handler(answer, response_serializer=method.response_serializer)


def _missing(name: str) -> Any:
    async def refuse(_request: Any, _context: Any) -> Any:
        raise _NoMethod(f"{name[:_LONGEST_NAME]} is no method of this predictor")

    return grpc.unary_unary_rpc_method_handler(refuse, request_deserializer=bytes)


def _message(method: Any, body: bytes) -> Any:
    try:
        return method.request_deserializer(body)
    except DecodeError:
        raise MalformedRequest("the message isn't what the protocol says; build it from KServe's .proto file") from None


def _shortened(text: str) -> str:
    encoded = text.encode()
    return text if len(encoded) <= _LONGEST_TEXT else f"{encoded[:_LONGEST_TEXT].decode(errors='ignore')}…"
