"""Which servers are compared, and how each is started: as shipped, with its own defaults, logs to nowhere.

MLServer has an environment of its own, because its FastAPI is older than the predictor's. It computes in its server's
process (`parallel_workers: 0`), which on one core is faster than workers, with and without adaptive batching.
"""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from benchmarks.serving import dialects
from benchmarks.serving.errors import Disagreement, ServerFailed
from benchmarks.serving.models import TOLERANCE
from benchmarks.serving.process import ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.serving.cells import Cell
    from benchmarks.serving.dialects import Dialect, Request
    from benchmarks.serving.models import ServedModel

PREDICTOR = "predictor"
SKLEARNSERVER = "sklearnserver"
MLSERVER = "MLServer"
MLSERVER_BATCHING = "MLServer, adaptive batching"
PREDECESSOR = "heart predecessor"
ECHO = "bare echo"
NAMES = (PREDICTOR, SKLEARNSERVER, MLSERVER, MLSERVER_BATCHING, PREDECESSOR, ECHO)
IN_MLSERVER_ENVIRONMENT = {MLSERVER, MLSERVER_BATCHING}

_ADAPTIVE_BATCHING = {"max_batch_size": 64, "max_batch_time": 0.005}
_SECONDS = 60
_OK = 200


@dataclass(frozen=True)
class Server:
    """A process, what it speaks, and the model it serves."""

    name: str
    dialect: Dialect
    process: ServerProcess
    model: ServedModel

    def takes(self, cell: Cell) -> bool:
        """Whether it has this cell's model and protocol. The echo, which has none, stands in for the forest only."""
        return cell.model == self.model.name and cell.protocol in self.dialect.protocols

    def request(self, cell: Cell, rows: int | None = None) -> Request:
        """What the cell sends it; with another number of rows if given."""
        return self.dialect.ask(self.model, cell.protocol, rows or cell.rows)

    def check_answers(self) -> float:
        """Compare its answers with scikit-learn's on a row and on all rows; returns the largest difference.

        Raises `ServerFailed` for an error, `Disagreement` for an answer that is off by more than `TOLERANCE`.
        """
        differences = [0.0]
        expected = self.model.calibrated if self.dialect.calibrated else self.model.plain
        for protocol in sorted(self.dialect.protocols):
            for rows in (1, len(expected)):
                request = self.dialect.ask(self.model, protocol, rows)
                reply = httpx.post(
                    f"http://127.0.0.1:{self.process.port}{request.path}",
                    content=request.body,
                    headers=request.headers,
                    timeout=_SECONDS,
                )
                if reply.status_code != _OK:
                    raise ServerFailed(f"{self.name}, {protocol}, {rows} rows: {reply.status_code} {reply.text[:200]}")
                if self.dialect.read is None:
                    if reply.content != request.body:
                        raise Disagreement(f"{self.name}, {protocol}: it returns something else than it was sent")
                    continue
                found = self.dialect.read(protocol, dialects.Reply(reply.content, reply.headers))
                if found.shape != (rows,):
                    raise Disagreement(f"{self.name}, {protocol}: {found.shape} answers for {rows} rows")
                differences.append(float(np.nan_to_num(np.abs(found - expected[:rows]), nan=1.0).max()))
        if max(differences) > TOLERANCE:
            raise Disagreement(
                f"{self.name} with the {self.model.name}: off scikit-learn's own answer by {max(differences):.1e};"
                " servers that answer something else aren't compared"
            )
        return max(differences)


def make_server(name: str, model: ServedModel, core: int, mlserver: Path, directory: Path) -> Server:
    """The server of that name for a model, not yet started.

    `mlserver` is the directory of its environment; `directory` takes its settings.
    """
    port = free_port()
    python = [sys.executable, "-m"]
    to_port = ["--http_port", str(port)]
    to_ports = [*to_port, "--grpc_port", str(free_port())]
    match name:
        case "predictor":
            command = [*python, "predictor", "--bundle", str(model.bundle), *to_ports]
            dialect = dialects.PREDICTOR
        case "sklearnserver":
            program = "benchmarks.serving.peers.sklearnserver"
            command = [*python, program, "--model_dir", str(model.arrays), *to_ports]
            dialect = dialects.SKLEARNSERVER
        case "MLServer" | "MLServer, adaptive batching":
            settings = _ADAPTIVE_BATCHING if name == MLSERVER_BATCHING else {}
            folder = _mlserver_folder(directory / name.replace(", ", "-").replace(" ", "-"), model, port, settings)
            command = [str(mlserver / "bin" / "mlserver"), "start", str(folder)]
            dialect = dialects.MLSERVER
        case "heart predecessor":
            command = [*python, "benchmarks.serving.peers.predecessor", "--model_dir", str(model.frame), *to_port]
            dialect = dialects.PREDECESSOR
        case "bare echo":
            command = [*python, "benchmarks.serving.peers.echo", *to_port]
            dialect = dialects.ECHO
        case _:
            raise KeyError(name)
    return Server(name, dialect, ServerProcess(f"{name} ({model.name})", command, port, dialect.ready, core), model)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _mlserver_folder(folder: Path, model: ServedModel, port: int, batching: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    settings = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, **ports}
    served = {
        "name": "heart",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(model.arrays / "model.joblib")},
        **batching,
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "model-settings.json").write_text(json.dumps(served), encoding="utf-8")
    return folder
