"""What each kind of server is asked, and where in its reply the probability of disease stands.

Rows go as v1 instances, arrays of numbers in the contract's order as from `DataFrame.values.tolist()`, or as one FP64
tensor of shape (rows, features) in v2, in JSON or binary; both are the same for every server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.serving.models import ServedModel

    Floats = np.ndarray[Any, np.dtype[np.float64]]

Protocol = Literal["v1", "v2", "binary"]

V1 = "/v1/models/heart:predict"
V2 = "/v2/models/heart/infer"
READY = "/v2/models/heart/ready"
_JSON_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True)
class Request:
    """A POST, whole."""

    path: str
    body: bytes
    json_length: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Besides those of HTTP itself."""
        if self.json_length is None:
            return {"Content-Type": "application/json"}
        return {"Content-Type": "application/octet-stream", _JSON_LENGTH: str(self.json_length)}


@dataclass(frozen=True)
class Reply:
    """What came back, with status 200; header names in lower case."""

    content: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Dialect:
    """How one kind of server speaks.

    `ask` makes the request for the first rows of a model, repeated from the start if it has fewer; `read` finds the
    probabilities of disease, float64 (rows,), in the reply. An echo has nothing to read.
    """

    protocols: frozenset[Protocol]
    ask: Callable[[ServedModel, Protocol, int], Request]
    read: Callable[[Protocol, Reply], Floats] | None
    ready: str = READY
    calibrated: bool = False


def inference_request(model: ServedModel, protocol: Protocol, rows: int, outputs: tuple[str, ...] = ()) -> Request:
    """KServe's protocols; `outputs` are named only for a server that wouldn't give probabilities else."""
    chosen = np.arange(rows) % len(model.rows)
    values = model.rows[chosen]
    if protocol == "v1":
        return Request(V1, orjson.dumps({"instances": values.tolist()}))
    tensor: dict[str, Any] = {"name": "predict", "shape": list(values.shape), "datatype": "FP64"}
    content: dict[str, Any] = {"inputs": [tensor]}
    if outputs:
        content["outputs"] = [{"name": name} for name in outputs]
    if protocol == "v2":
        tensor["data"] = values.ravel().tolist()
        return Request(V2, orjson.dumps(content))
    binary = values.astype("<f8").tobytes()
    tensor["parameters"] = {"binary_data_size": len(binary)}
    content["parameters"] = {"binary_data_output": True}
    head = orjson.dumps(content)
    return Request(V2, head + binary, len(head))


def output_named(name: str, reply: Reply) -> Floats:
    """An FP64 output of a v2 reply, in its own shape, whether it stands in JSON or behind it."""
    length = int(reply.headers.get(_JSON_LENGTH.lower(), len(reply.content)))
    at = length
    for output in orjson.loads(reply.content[:length])["outputs"]:
        size = (output.get("parameters") or {}).get("binary_data_size", 0)
        if output["name"] == name:
            data = np.frombuffer(reply.content[at : at + size], "<f8") if size else np.array(output["data"], np.float64)
            return data.reshape(output["shape"])
        at += size
    raise KeyError(name)


def _read_predictor(protocol: Protocol, reply: Reply) -> Floats:
    if protocol == "v1":
        predictions = orjson.loads(reply.content)["predictions"]
        return np.array([prediction["probabilities"]["disease"] for prediction in predictions])
    return output_named("probability", reply).reshape(-1)


def _read_sklearnserver(protocol: Protocol, reply: Reply) -> Floats:
    if protocol == "v1":
        return np.array(orjson.loads(reply.content)["predictions"], np.float64)[:, 1]
    return output_named("output-0", reply)[:, 1]


def _read_mlserver(_: Protocol, reply: Reply) -> Floats:
    return output_named("predict_proba", reply)[:, 1]


def _ask_mlserver(model: ServedModel, protocol: Protocol, rows: int) -> Request:
    return inference_request(model, protocol, rows, outputs=("predict_proba",))


def _ask_predecessor(model: ServedModel, _: Protocol, rows: int) -> Request:
    patients = [
        {
            name: int(value) if isinstance(value, bool) else value
            for name, value in zip(model.features, row, strict=True)
        }
        for row in (model.instances[at % len(model.instances)] for at in range(rows))
    ]
    if rows == 1:
        return Request("/predict", orjson.dumps(patients[0]))
    return Request("/predict/batch", orjson.dumps({"patients": patients}))


def _read_predecessor(_: Protocol, reply: Reply) -> Floats:
    content = orjson.loads(reply.content)
    return np.array([item["probability_disease"] for item in content.get("predictions", [content])])


_ALL = frozenset[Protocol](("v1", "v2", "binary"))
PREDICTOR = Dialect(_ALL, inference_request, _read_predictor, calibrated=True)
SKLEARNSERVER = Dialect(_ALL, inference_request, _read_sklearnserver)
MLSERVER = Dialect(frozenset[Protocol](("v2",)), _ask_mlserver, _read_mlserver)
PREDECESSOR = Dialect(frozenset[Protocol](("v1",)), _ask_predecessor, _read_predecessor, ready="/health")
ECHO = Dialect(_ALL, inference_request, None)
