"""Twenty thousand requests made from the contract, most of them then spoilt, against the real server."""

from __future__ import annotations

import gzip
import http.client
import json
import random
import socket
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import numpy as np
import psutil  # ships no types
import pytest

from tests.predictor.spoilt_requests import LAYOUT, LENGTH, PREDICT, Request, spoilt, v1_request, v2_request

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from predictor.served import Served

REQUESTS = 20_000
WARM_UP = REQUESTS // 2
"""By then the largest bodies were there, and memory has its size: what grows after that grows without end."""
GROWTH = 20 * 2**20
SECONDS = 10
CHUNK = 1_000
LONGEST_ERROR = 16_384


def rows_asked_for(request: Request) -> int:
    """The rows in a request that was answered, read without the predictor; fails for what is no strict JSON."""
    body = request.body
    if request.headers.get("Content-Encoding", "").lower() == "gzip":
        body = gzip.decompress(body)
    if ":" in request.path:
        return len(strict_json(body)["instances"])
    rows: int = strict_json(body[: int(request.headers.get(LENGTH, len(body)))])["inputs"][0]["shape"][0]
    return rows


def strict_json(text: bytes) -> Any:
    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), "a key stands twice"
        return dict(pairs)

    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    return json.loads(text.decode("utf-8", "strict"), object_pairs_hook=distinct, parse_constant=refuse)


def check_predictions(body: bytes, rows: int) -> None:
    content = json.loads(body)
    assert len(content["predictions"]) == rows
    for prediction in content["predictions"]:
        no_disease, disease = prediction["probabilities"].values()
        assert 0 <= disease <= 1
        assert no_disease == 1 - disease
        assert prediction["decision"] is (disease >= content["threshold"])
        assert prediction["label"] == ("disease" if prediction["decision"] else "no disease")
    assert b"null" not in body


def check_explanations(body: bytes, rows: int) -> None:
    content = json.loads(body)
    assert len(content["explanations"]) == rows
    for explanation in content["explanations"]:
        assert 0 <= explanation["probability"] <= 1
        total = content["baseline"]["log_odds"] + sum(explanation["contributions"].values())
        assert total == pytest.approx(explanation["log_odds"], abs=1e-6)


def check_outputs(headers: http.client.HTTPMessage, body: bytes, rows: int) -> None:
    length = int(headers.get(LENGTH, len(body)))
    content, at = json.loads(body[:length]), length
    assert content["outputs"]
    for output in content["outputs"]:
        assert output["shape"] == [rows]
        if "data" in output:
            values = output["data"]
            assert None not in values
        else:
            size = output["parameters"]["binary_data_size"]
            part, at = body[at : at + size], at + size
            values = [*binary_values(output["datatype"], part)]
        assert len(values) == rows
        if output["name"] == "probability":
            assert all(0 <= probability <= 1 for probability in values)
    assert at == len(body)


def binary_values(kind: str, part: bytes) -> Iterator[Any]:
    if kind != "BYTES":
        yield from np.frombuffer(part, LAYOUT[kind])
    while kind == "BYTES" and part:
        end = 4 + int.from_bytes(part[:4], "little")
        yield part[4:end].decode()
        part = part[end:]


def check(request: Request, rows: int | None, answer: http.client.HTTPResponse, body: bytes) -> None:
    """What holds for every answer."""
    assert answer.status < 500 or answer.status == 503
    if rows is not None:
        assert answer.status == 200
    if request.method == "HEAD":
        return
    if answer.status != 200:
        assert answer.headers["Content-Type"] == "application/json"
        error = json.loads(body)
        assert list(error) == ["error"]
        assert isinstance(error["error"], str)
        assert 0 < len(error["error"]) < LONGEST_ERROR
    elif request.method == "POST":
        assert unquote(request.path).partition("?")[0].endswith((":predict", ":explain", "/infer"))
        if request.path.endswith(":predict"):
            check_predictions(body, rows_asked_for(request))
        elif request.path.endswith(":explain"):
            check_explanations(body, rows_asked_for(request))
        else:
            check_outputs(answer.headers, body, rows_asked_for(request))


def exchange(connection: http.client.HTTPConnection, request: Request) -> tuple[http.client.HTTPResponse, bytes]:
    body: bytes | list[bytes] = request.body
    if "Transfer-Encoding" in request.headers:
        body = [request.body[at : at + CHUNK] for at in range(0, len(request.body), CHUNK)]
    connection.request(request.method, request.path, body, request.headers, encode_chunked=body is not request.body)
    answer = connection.getresponse()
    return answer, answer.read()


@pytest.fixture
def server(bundle: Path, start: Callable[..., tuple[subprocess.Popen[str], str]]) -> Iterator[tuple[int, str]]:
    """A server of its own, whose memory nobody else uses: its process id and its address."""
    process, url = start(bundle)
    yield process.pid, urlsplit(url).netloc
    process.terminate()
    process.communicate()


@pytest.fixture
def connection(server: tuple[int, str]) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection(server[1], timeout=SECONDS)) as connection:
        yield connection


def test_twenty_thousand_requests_leave_the_server_as_it_was(
    server: tuple[int, str], connection: http.client.HTTPConnection, served: Served
) -> None:
    process = psutil.Process(server[0])
    plain = [build(random.Random(0), served.features, 5) for build in (v1_request, v2_request)]
    before = [exchange(connection, request)[1] for request in plain]
    memory = 0
    statuses: Counter[int] = Counter()
    for number in range(REQUESTS):
        if number == WARM_UP:
            memory = process.memory_info().rss
        request, rows = spoilt(number, served.features)
        answer, body = exchange(connection, request)
        statuses[answer.status] += 1
        try:
            check(request, rows, answer, body)
        except Exception as error:
            raise AssertionError(f"request {number}: {request} got {answer.status} {body[:2_000]!r}") from error
    assert statuses.total() == REQUESTS
    assert min(statuses[200], statuses[400]) > REQUESTS // 10
    assert min(statuses[404], statuses[405], statuses[415]) > REQUESTS // 100
    assert process.memory_info().rss - memory < GROWTH
    assert [exchange(connection, request)[1] for request in plain] == before


def test_clients_that_leave_in_the_middle_do_no_harm(
    server: tuple[int, str], connection: http.client.HTTPConnection, served: Served
) -> None:
    pid, address = server
    host, port = address.split(":")
    chance = random.Random(0)
    request = v1_request(chance, served.features, 30)
    head = f"POST {PREDICT} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {len(request.body)}\r\n\r\n".encode()
    before, body = exchange(connection, request)
    files = psutil.Process(pid).num_fds()
    for _ in range(300):
        message = head + request.body
        with socket.create_connection((host, int(port)), timeout=SECONDS) as client:
            client.sendall(message[: chance.randrange(len(message) + 1)])
    after, again = exchange(connection, request)
    assert after.status == before.status == http.HTTPStatus.OK
    assert again == body
    deadline = time.monotonic() + SECONDS
    while psutil.Process(pid).num_fds() > files and time.monotonic() < deadline:
        exchange(connection, request)
    assert psutil.Process(pid).num_fds() <= files
