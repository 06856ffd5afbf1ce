"""`python -m benchmarks.batch`: rows a second that a file is scored with, beside sending the same rows to the server.

The rows are Porto Seguro's in shape (57 features) and made up, and so are those that the models are fitted on. Measured
are, one after the other in every round: the loop (judging and answering rows that are in memory), the whole way from a
file to a file, and the predictor asked over HTTP by one client, whose bodies are ready. Scoring and the server have the
same core; the client has the other. Numbers are medians over the rounds.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import statistics
import sys
import tempfile
import time
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from benchmarks.serving.catalogue import free_port
from benchmarks.serving.errors import BenchmarkError, ServerFailed
from benchmarks.serving.machine import this_machine, two_cores
from benchmarks.serving.process import ServerProcess
from components import PROJECT
from components.learning.candidates import candidate_named
from components.learning.effort import effort_named
from components.learning.fitting import fit
from components.learning.rows import rows_of
from components.packaging.conversion import decision_rule_of, to_onnx, transform_of
from components.scoring.batch import BatchScorer
from components.scoring.job import score_file
from components.scoring.reading import open_table
from contract.bundle import Golden, GoldenRequests, load_bundle, seal
from contract.document import load_contract
from contract.profile import profile_of
from contract.scorer import Scorer
from datasets.porto_seguro.generator import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

TARGET = 200_000
"""Rows a second that the loop must reach on one core."""

CONTRACT = PROJECT / "datasets" / "porto_seguro" / "contract.yaml"
CANDIDATES = ("logistic-regression", "hist-gradient-boosting")
TRAINING = 20_000
NAME = "porto"
_SEED = 11
_OK = 200


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 measured, 1 the server failed or there is one core only."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="in the file (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--request", type=int, default=1000, help="rows of a request (default: %(default)s)")
    parser.add_argument("--training", type=int, default=TRAINING, help="rows to learn from (default: %(default)s)")
    parser.add_argument("--candidate", choices=CANDIDATES, action="append", help="default: both")
    options = parser.parse_args(arguments)
    allowed = os.sched_getaffinity(0)
    try:
        print(this_machine())
        client_core, server_core = two_cores()
        with tempfile.TemporaryDirectory(prefix="concord-batch-") as scratch:
            directory = Path(scratch)
            _write_rows(directory, options.rows)
            for candidate in options.candidate or CANDIDATES:
                bundle = build_bundle(candidate, directory / candidate, options.training)
                found = _measured(bundle, directory, options, client_core, server_core)
                print(report(candidate, options.rows, found))
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        os.sched_setaffinity(0, allowed)
    return 0


def build_bundle(candidate: str, directory: Path, rows: int) -> Path:
    """A sealed bundle of a candidate, fitted on made-up rows."""
    contract = load_contract(CONTRACT)
    frame = pa.concat_tables(blocks(rows, seed=_SEED)).to_pandas()
    training = rows_of(contract, frame.replace(-1, np.nan))
    estimator = fit(candidate_named(candidate), contract, training, effort_named("quick"), _SEED).estimator
    transform, model, rule = transform_of(estimator), to_onnx(estimator), decision_rule_of(estimator, contract)
    probability = Scorer(transform, model, rule)(training.matrix).probability
    refused = Golden(title="refused", instances=({},), refused="missing-feature")
    directory.mkdir()
    for name, text in {
        "contract.yaml": CONTRACT.read_text(encoding="utf-8"),
        "transform.json": transform.model_dump_json(),
        "decision.json": rule.model_dump_json(),
        "model.skops": "",
        "profile.json": profile_of(
            contract.features, training.matrix, probability, contract.target.labels
        ).model_dump_json(),
        "evaluation.json": "{}",
        "golden.json": GoldenRequests(format=1, tolerance=1e-6, requests=(refused,)).model_dump_json(),
        "MODEL_CARD.md": "",
    }.items():
        (directory / name).write_text(text, encoding="utf-8")
    (directory / "model.onnx").write_bytes(model)
    facts: dict[str, object] = {"name": contract.name, "version": "1", "created": "", "run_id": "benchmark"}
    facts |= {"candidate": candidate, "data_sha256": "", "code_revision": "", "versions": {}}
    seal(directory, {**facts, "contract_digest": contract.digest})
    return directory


def report(candidate: str, rows: int, found: dict[str, list[float]]) -> str:
    """What was measured, given seconds by way and round."""
    rates = {way: rows / statistics.median(seconds) for way, seconds in found.items()}
    fastest = max(rate for way, rate in rates.items() if way.startswith("HTTP"))
    lines = [f"{candidate}, {rows:,} rows, median of {len(next(iter(found.values())))} rounds:"]
    for way, rate in rates.items():
        compared = "" if way.startswith("HTTP") else f"   {rate / fastest:4.1f} x the faster HTTP"
        lines.append(f"  {way:<28} {rate:>9,.0f} rows/s{compared}")
    loop = next(iter(rates.values()))
    lines.append(f"  the loop is {'at or above' if loop >= TARGET else 'below'} the target of {TARGET:,} rows/s")
    return "\n".join(lines)


def _write_rows(directory: Path, rows: int) -> None:
    table = pa.concat_tables(blocks(rows, seed=_SEED + 1))
    parquet.write_table(table, directory / "rows.parquet")
    arrow_csv.write_csv(table, directory / "rows.csv")


def _measured(
    directory: Path, scratch: Path, options: argparse.Namespace, client_core: int, server_core: int
) -> dict[str, list[float]]:
    """Seconds for all rows, by way and round."""
    bundle = load_bundle(directory)
    parts = list(open_table(scratch / "rows.parquet", bundle.contract).parts())
    scorer = BatchScorer(bundle)

    def loop() -> None:
        for part in parts:
            scorer(part)

    def files(suffix: str) -> Callable[[], object]:
        return lambda: score_file(bundle, scratch / f"rows{suffix}", scratch / f"answers{suffix}")

    port = free_port()
    command = [sys.executable, "-m", "predictor", "--bundle", str(directory), "--model_name", NAME]
    server = ServerProcess(
        "predictor", [*command, "--http_port", str(port)], port, f"/v2/models/{NAME}/ready", server_core
    )
    here = {"the loop": loop, "Parquet to Parquet": files(".parquet"), "CSV to CSV": files(".csv")}
    there = {"HTTP, v1 in JSON": _v1_bodies, "HTTP, v2 in binary": _v2_bodies}
    found: dict[str, list[float]] = {way: [] for way in chain(here, there)}
    rows = np.column_stack(
        [np.concatenate([part.columns[name] for part in parts]) for name in bundle.contract.feature_names]
    )
    try:
        server.start()
        for _ in range(options.rounds):
            server.pause()
            os.sched_setaffinity(0, {server_core})
            for way, run in here.items():
                found[way].append(_seconds(run))
            server.resume()
            os.sched_setaffinity(0, {client_core})
            for way, bodies in there.items():
                found[way].append(_seconds(partial(_send, port, bodies(rows, options.request))))
    finally:
        server.stop()
    return found


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


Request = tuple[str, bytes, dict[str, str]]


def _v1_bodies(rows: Floats, size: int) -> list[Request]:
    path = f"/v1/models/{NAME}:predict"
    return [
        (path, orjson.dumps({"instances": rows[start : start + size].tolist()}), {"Content-Type": "application/json"})
        for start in range(0, len(rows), size)
    ]


def _v2_bodies(rows: Floats, size: int) -> list[Request]:
    requests = []
    for start in range(0, len(rows), size):
        values = rows[start : start + size].astype("<f8")
        data = values.tobytes()
        tensor = {
            "name": "rows",
            "shape": values.shape,
            "datatype": "FP64",
            "parameters": {"binary_data_size": len(data)},
        }
        head = orjson.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}})
        headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
        requests.append((f"/v2/models/{NAME}/infer", head + data, headers))
    return requests


def _send(port: int, requests: Sequence[Request]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        for path, body, headers in requests:
            connection.request("POST", path, body, headers)
            reply = connection.getresponse()
            content = reply.read()
            if reply.status != _OK:
                raise ServerFailed(f"predictor answers {reply.status}: {content[:200]!r}")
    finally:
        connection.close()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by exception, so that the server is stopped
    sys.exit(main())
