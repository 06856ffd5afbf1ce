"""The Open Inference Protocol, KServe's v2: named tensors in, those of `predictor.outputs` out."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import orjson
from pydantic import Field, ValidationError

from contract.encoding import Encoded, shown
from contract.errors import SHOWN_VIOLATIONS, RequestRefused
from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature
from predictor import json_numbers
from predictor.errors import MalformedRequest
from predictor.json_body import load_object
from predictor.outputs import output_values, outputs_of
from predictor.tensor import Part, Tensor, to_binary, values_of
from predictor.turns import at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from pydantic_core import ErrorDetails

    from contract.features import Feature
    from contract.scorer import Answer, Floats
    from predictor.served import Served
    from predictor.tensor import Content
    from predictor.turns import Turns

PLATFORM = "concord"
_FEW_ROWS = 32
"""Rows up to which reading them one by one is faster than in whole columns."""
_EXAMPLE = '{"inputs": [{"name": …, "shape": [rows], "datatype": …, "data": […]}, …]}'


class RequestedOutput(Part):
    """An output that the client wants, and how."""

    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferRequest(Part):
    """A request as the protocol has it. No `outputs` means all of them."""

    id: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    inputs: Annotated[list[Tensor], Field(min_length=1)]
    outputs: list[RequestedOutput] = Field(default_factory=list)

    @property
    def wanted(self) -> list[str]:
        """The names of the outputs asked for."""
        return [output.name for output in self.outputs]


@dataclass(frozen=True)
class Rendered:
    """A response's body; `json_length` is set if binary tensors follow that many bytes of JSON."""

    body: bytes
    json_length: int | None = None


def answer(
    served: Served, body: bytes, json_length: int | None = None, score: Callable[[Floats], Answer] | None = None
) -> Turns[Rendered]:
    """Answer one request, all of it or nothing; `json_length` is the header of a request with binary tensors.

    Raises `MalformedRequest` for what isn't v2, and `RequestRefused` for values that break the contract.
    """
    request, encoded = yield from _encoded_in_turns(served, body, json_length)
    scored = yield from served.score(encoded.matrix, score)
    return render(served, request, encoded, scored)


def load(body: bytes, json_length: int | None = None) -> dict[str, Any]:
    """The JSON in a body. Raises `MalformedRequest`."""
    if json_length is not None and not 0 <= json_length <= len(body):
        raise MalformedRequest(f"Inference-Header-Content-Length is {json_length}, but the body has {len(body)} bytes")
    return load_object(body[:json_length], _EXAMPLE)


def parse(
    served: Served, content: dict[str, Any], body: bytes, json_length: int | None = None
) -> tuple[InferRequest, list[bytes | None]]:
    """The request in the JSON of a body, and per input the bytes that follow it. Raises `MalformedRequest`."""
    request = check(served, content, _EXAMPLE)
    return request, _split(request.inputs, b"" if json_length is None else body[json_length:])


def check(served: Served, content: dict[str, Any], example: str) -> InferRequest:
    """The request in an object. Raises `MalformedRequest`; `example` is shown to say what was expected."""
    try:
        request = InferRequest.model_validate(content)
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors()[:SHOWN_VIOLATIONS]]
        raise MalformedRequest(f"{'; '.join(problems)}; send {example}") from None
    known = outputs_of(served)
    for name in request.wanted:
        if name not in known:
            raise MalformedRequest(f"output {shown(name)} doesn't exist; there are {', '.join(known)}")
    return request


def encode(served: Served, request: InferRequest, binaries: Sequence[Content]) -> Encoded:
    """Check the tensors, one per feature or one matrix in contract order, and turn them into numbers."""
    return at_once(encode_in_turns(served, request, binaries))


def encode_in_turns(served: Served, request: InferRequest, binaries: Sequence[Content]) -> Turns[Encoded]:
    """What `encode` does, for large requests."""
    names = [feature.name for feature in served.features]
    first = request.inputs[0]
    if len(request.inputs) == 1 and (first.columns > 1 or len(names) == 1):
        columns = _from_matrix(served, first, binaries[0], names)
    else:
        columns = _from_columns(served, request.inputs, binaries, names)
    if first.shape[0] <= _FEW_ROWS:
        read = _read(served, [columns[name] for name in names])
        if read is not None:
            return read
    yield
    return (
        yield from served.encode(
            first.shape[0],
            lambda rows: served.encoder.from_columns({name: values[rows] for name, values in columns.items()}),
        )
    )


def parameters(served: Served, encoded: Encoded) -> dict[str, Any]:
    """What a response says besides its outputs; `warnings` counts the values that lie outside the usual range."""
    return {**served.v2_parameters, "warnings": int(np.count_nonzero(encoded.unusual))}


def render(served: Served, request: InferRequest, encoded: Encoded, scored: Answer) -> Rendered:
    """The requested outputs, in JSON or binary as the request asks, without a null anywhere."""
    default = request.parameters.get("binary_data_output") is True
    wanted = {output.name: output.parameters.get("binary_data", default) is True for output in request.outputs}
    tensors = []
    binaries = []
    known = outputs_of(served)
    for name, values in output_values(served, request.wanted, scored).items():
        datatype, shape = known[name]
        output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": [len(scored.decided), *shape]}
        if wanted.get(name, default):
            binaries.append(to_binary(datatype, values))
            output["parameters"] = {"binary_data_size": len(binaries[-1])}
        else:
            output["data"] = values
        tensors.append(output)
    content: dict[str, Any] = {
        "model_name": served.name,
        "model_version": served.version,
        "parameters": parameters(served, encoded),
        "outputs": tensors,
    }
    if request.id is not None:
        content["id"] = request.id
    head = orjson.dumps(content)
    return Rendered(b"".join([head, *binaries]), len(head)) if binaries else Rendered(head)


def metadata(served: Served) -> bytes:
    """What a client needs to know of the model: its inputs, its outputs and which bundle it is."""
    return orjson.dumps(description(served))


def description(served: Served) -> dict[str, Any]:
    """What `metadata` says, before it is JSON."""
    return {
        "name": served.name,
        "versions": [served.version],
        "platform": PLATFORM,
        "inputs": [
            {"name": feature.name, "datatype": _datatype(feature), "shape": [-1]} for feature in served.features
        ],
        "outputs": [
            {"name": name, "datatype": datatype, "shape": [-1, *shape]}
            for name, (datatype, shape) in outputs_of(served).items()
        ],
        "parameters": {
            "digest": served.bundle.manifest.digest,
            "classes": served.labels,
            **({"positive": served.labels[-1]} if served.is_binary else {}),
            **served.threshold_facts,
            "max_rows": served.bundle.contract.max_rows,
        },
    }


def _encoded_in_turns(served: Served, body: bytes, json_length: int | None) -> Turns[tuple[InferRequest, Encoded]]:
    read = json_numbers.tensors(body) if json_length is None else None
    if read is not None:
        yield
        with suppress(MalformedRequest, RequestRefused):  # which is told below, in the values that were sent
            request = check(served, read[0], _EXAMPLE)
            return request, (yield from encode_in_turns(served, request, read[1]))
    request, binaries = parse(served, load(body, json_length), body, json_length)
    yield
    return request, (yield from encode_in_turns(served, request, binaries))


def _problem(detail: ErrorDetails) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    return f"{path}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _split(inputs: list[Tensor], rest: bytes) -> list[bytes | None]:
    binaries: list[bytes | None] = []
    at = 0
    for tensor in inputs:
        size = tensor.parameters.get("binary_data_size")
        if size is None:
            binaries.append(None)
            continue
        if type(size) is not int or size < 0 or at + size > len(rest):
            raise MalformedRequest(
                f"input {shown(tensor.name)}: binary_data_size is {shown(size)}, but {len(rest) - at} bytes are left"
                " after the JSON, whose length stands in the header Inference-Header-Content-Length"
            )
        binaries.append(rest[at : at + size])
        at += size
    if at < len(rest):
        raise MalformedRequest(f"{len(rest) - at} bytes after the last binary tensor belong to no input")
    return binaries


def _from_matrix(served: Served, matrix: Tensor, binary: Content, names: list[str]) -> dict[str, Any]:
    if matrix.columns != len(names):
        raise MalformedRequest(
            f"input {shown(matrix.name)} has {matrix.columns} columns; it needs {len(names)}: {', '.join(names)}"
        )
    if len(names) > 1 and matrix.datatype in {"BOOL", "BYTES"}:
        raise MalformedRequest(f"input {shown(matrix.name)}: a matrix holds numbers, not {matrix.datatype}")
    served.check_rows(matrix.shape[0])
    values = values_of(matrix, binary, names)
    return {name: values[position :: len(names)] for position, name in enumerate(names)}


def _from_columns(
    served: Served, tensors: list[Tensor], binaries: Sequence[Content], names: list[str]
) -> dict[str, Any]:
    given = [tensor.name for tensor in tensors]
    unknown = [shown(name) for name in given if name not in names]
    absent = [name for name in names if name not in given]
    if unknown or absent or len(given) > len(names):
        raise MalformedRequest(
            "inputs: one tensor per feature, or one of shape [rows, features], is needed"
            + (f"; absent: {', '.join(absent)}" if absent else "")
            + (f"; unknown: {', '.join(unknown[:SHOWN_VIOLATIONS])}" if unknown else "")
            + ("; one stands twice" if len(set(given)) < len(given) else "")
        )
    rows = tensors[0].shape[0]
    for tensor in tensors:
        if tensor.columns != 1 or tensor.shape[0] != rows:
            raise MalformedRequest(
                f"input {shown(tensor.name)} has shape {tensor.shape}; [{rows}] or [{rows}, 1] is needed, as in"
                f" {shown(tensors[0].name)}"
            )
    served.check_rows(rows)
    return {
        tensor.name: values_of(tensor, binary, [tensor.name]) for tensor, binary in zip(tensors, binaries, strict=True)
    }


def _read(served: Served, columns: list[list[Any] | npt.NDArray[Any]]) -> Encoded | None:
    """Rows that nothing is to be said about, at a tenth of the time; `None` for others."""
    lists = [values.tolist() if isinstance(values, np.ndarray) else values for values in columns]
    rows = served.reader.arrays(zip(*lists, strict=True))
    if rows is None:
        return None
    matrix = np.array(rows, dtype=np.float64)
    return Encoded(matrix, np.zeros(matrix.shape, dtype=np.bool_), ())


def _datatype(feature: Feature) -> str:
    match feature:
        case BooleanFeature():
            return "BOOL"
        case CategoricalFeature():
            return "BYTES" if isinstance(feature.values[0], str) else "INT64"
        case IntegerFeature():
            return "INT64"
        case _:
            return "FP64"
