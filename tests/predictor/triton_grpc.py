"""Triton's gRPC client as a program: reads rows from standard input, prints what it was answered.

It can't be loaded where KServe's messages are, as both have the same names: `python triton_grpc.py ADDRESS MODEL`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException


def ask(address: str, model: str, rows: list[list[float | None]]) -> dict[str, Any]:
    """What the client understands of an answer, or of a refusal."""
    values = np.array(rows, dtype=np.float64)
    tensor = InferInput("rows", list(values.shape), "FP64")
    tensor.set_data_from_numpy(values)
    with InferenceServerClient(address) as client:
        try:
            result = client.infer(model, [tensor], request_id="42", compression_algorithm="gzip")
            metadata = client.get_model_metadata(model)
            return {
                "live": client.is_server_live(),
                "ready": client.is_server_ready() and client.is_model_ready(model, "7"),
                "server": client.get_server_metadata().name,
                "inputs": [item.name for item in metadata.inputs],
                "id": result.get_response().id,
                "label": [text.decode() for text in result.as_numpy("label")],
                "probability": result.as_numpy("probability").tolist(),
                "decision": result.as_numpy("decision").tolist(),
            }
        except InferenceServerException as error:
            return {"status": error.status(), "message": error.message()}


if __name__ == "__main__":
    print(json.dumps(ask(sys.argv[1], sys.argv[2], json.load(sys.stdin))))
