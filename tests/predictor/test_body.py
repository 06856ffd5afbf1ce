"""Bodies over HTTP: their size, their kind, their coding and the time they take."""

from __future__ import annotations

import gzip
import socket
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from predictor.body import BINARY, CSV, JSON, check_kind
from predictor.errors import WrongMediaType

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[..., tuple[subprocess.Popen[str], str]]

V1 = "/v1/models/heart:predict"
V2 = "/v2/models/heart/infer"
LIMIT = 2_000


@pytest.fixture(scope="module")
def narrow(bundle: Path, start: Start) -> Iterator[httpx.Client]:
    """A client of a server with little room."""
    process, url = start(
        bundle, "--max_body_bytes", str(LIMIT), "--max_held_bytes", str(3 * LIMIT), "--body_seconds", "0.5"
    )
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client
    process.terminate()
    assert process.wait(30) == 0


@pytest.fixture
def body(records: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"instances": records})


@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)],
)
def test_a_compressed_body_is_answered_like_a_plain_one(
    client: httpx.Client, body: bytes, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    compressed = client.post(V1, content=encode(body), headers={"content-encoding": coding})
    assert compressed.content == client.post(V1, content=body).content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not gzip", "the body isn't compressed as Content-Encoding says"),
        (gzip.compress(b"{}")[:-4], "the compressed body is cut off, or goes on after its end"),
        (gzip.compress(b"{}") + b"more", "the compressed body is cut off, or goes on after its end"),
    ],
)
def test_a_wrongly_compressed_body_is_refused(client: httpx.Client, content: bytes, words: str) -> None:
    response = client.post(V1, content=content, headers={"content-encoding": "gzip"})
    assert (response.status_code, response.json()) == (400, {"error": words})


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"content-encoding": "br"}, "Content-Encoding is 'br'; send gzip, deflate or none"),
        ({"content-type": "text/csv"}, "Content-Type is 'text/csv'; send application/json"),
        (
            {"content-type": "application/octet-stream"},
            "Content-Type is 'application/octet-stream'; send application/json",
        ),
        (
            {"content-type": "application/x-www-form-urlencoded"},
            "Content-Type is 'application/x-www-form-urlencoded'; send",
        ),
        ({"content-type": "application/json; charset=latin-1"}, "charset is 'latin-1'; text is sent in utf-8"),
    ],
)
def test_a_kind_that_is_not_read_is_415(client: httpx.Client, body: bytes, headers: dict[str, str], words: str) -> None:
    response = client.post(V1, content=body, headers=headers)
    assert response.status_code == 415
    assert response.json()["error"].startswith(words)


@pytest.mark.parametrize(
    "kind", [b"application/json", b"Application/JSON", b'application/json; charset="UTF-8"', b"application/json;x=y"]
)
def test_json_is_known_however_it_is_written(kind: bytes) -> None:
    check_kind(kind, (JSON,))


def test_bytes_are_for_v2_only() -> None:
    check_kind(b"application/octet-stream", (JSON, BINARY))
    check_kind(b"text/csv; charset=utf-8", (JSON, CSV))
    with pytest.raises(WrongMediaType):
        check_kind(b"application/octet-stream", (JSON,))


@pytest.mark.parametrize("route", [V1, V2])
def test_a_body_over_the_limit_is_413_and_the_connection_ends(narrow: httpx.Client, route: str) -> None:
    response = narrow.post(route, content=b" " * (LIMIT + 1))
    assert response.status_code == 413
    assert response.json() == {"error": f"the body has more than {LIMIT} bytes; send its rows in several requests"}
    assert response.headers["connection"] == "close"
    assert narrow.get("/v2/models/heart/ready").is_success


def test_a_body_of_unknown_length_is_held_to_the_limit_too(narrow: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(LIMIT):
            yield b"x" * 1_000

    with narrow.stream("POST", V1, content=endless()) as response:
        assert response.status_code == 413


def test_a_body_that_grows_over_the_limit_when_unpacked_is_refused(narrow: httpx.Client) -> None:
    bomb = gzip.compress(b" " * 50_000_000)[:LIMIT]
    response = narrow.post(V1, content=bomb, headers={"content-encoding": "gzip"})
    assert response.status_code == 413


def test_a_chunked_body_is_read_whole(client: httpx.Client, body: bytes) -> None:
    chunks = (body[at : at + 50] for at in range(0, len(body), 50))
    assert client.post(V1, content=chunks).content == client.post(V1, content=body).content


def test_a_body_that_does_not_arrive_is_408(narrow: httpx.Client) -> None:
    with socket.create_connection((narrow.base_url.host, narrow.base_url.port)) as connection:
        connection.sendall(b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{" % V1.encode())
        answer = b"".join(iter(lambda: connection.recv(10_000), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body didn't arrive within 0.5 s" in answer


def test_many_slow_bodies_do_not_hold_more_than_they_may(narrow: httpx.Client) -> None:
    address = (narrow.base_url.host, narrow.base_url.port)
    request = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (V1.encode(), LIMIT)
    connections = [socket.create_connection(address) for _ in range(8)]
    try:
        for connection in connections:
            connection.sendall(request + b" " * (LIMIT - 1))
        answers = [connection.recv(10_000).split(b"\r\n")[0] for connection in connections]
    finally:
        for connection in connections:
            connection.close()
    assert b"HTTP/1.1 503 Service Unavailable" in answers
    assert b"HTTP/1.1 408 Request Timeout" in answers
    assert narrow.get("/v2/models/heart/ready").is_success


def test_a_client_that_goes_away_is_nobodys_error(narrow: httpx.Client) -> None:
    with socket.create_connection((narrow.base_url.host, narrow.base_url.port)) as connection:
        connection.sendall(b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{" % V1.encode())
    assert narrow.get("/v2/models/heart/ready").is_success
