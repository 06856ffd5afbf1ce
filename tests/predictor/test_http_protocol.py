"""The short way answers what the long way would, and hands over what it may not answer."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from predictor.http_protocol import MAX_HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

V1 = "/v1/models/heart:predict"
V2 = "/v2/models/heart/infer"


@pytest.fixture
def connection(client: httpx.Client) -> Iterator[socket.socket]:
    """A connection to the server, byte by byte."""
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=30) as connected:
        yield connected


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: x", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def answers(connection: socket.socket, count: int) -> list[tuple[int, dict[str, str], bytes]]:
    """The next responses: status, headers and body."""
    stream = connection.makefile("rb")
    found = []
    for _ in range(count):
        status = int(stream.readline().split()[1])
        headers = {}
        while line := stream.readline().strip().decode():
            name, _, value = line.partition(": ")
            headers[name] = value
        found.append((status, headers, stream.read(int(headers["content-length"]))))
    return found


def instances(records: list[dict[str, Any]]) -> bytes:
    return json.dumps({"instances": records}).encode()


def test_both_ways_answer_alike(connection: socket.socket, records: list[dict[str, Any]]) -> None:
    short = post(V1, instances(records[:2]), "x-request-id: a")
    # Nothing but a field that the short way doesn't know makes it long.
    long = post(V1, instances(records[:2]), "x-request-id: a", "content-encoding: identity")
    connection.sendall(short)
    ((status, headers, body),) = answers(connection, 1)
    connection.sendall(long)
    ((other_status, other_headers, other_body),) = answers(connection, 1)
    assert (status, body) == (other_status, other_body) == (200, other_body)
    for varying in ("date",):
        assert headers.pop(varying)
        assert other_headers.pop(varying)
    assert headers == other_headers


def test_pipelined_requests_are_answered_in_their_order(
    connection: socket.socket, records: list[dict[str, Any]]
) -> None:
    requests = [
        post(V1, instances(records[:1]), "x-request-id: 1"),
        b"GET /v2/models/heart/ready HTTP/1.1\r\nhost: x\r\nx-request-id: 2\r\n\r\n",
        post(V1, instances([{}]), "x-request-id: 3"),
        post(V1, instances(records[:2]), "x-request-id: 4"),
        post(V1, b"{", "x-request-id: 5"),
        post(V1, instances(records[:1]), "x-request-id: 6"),
    ]
    connection.sendall(b"".join(requests))
    found = answers(connection, len(requests))
    assert [headers["x-request-id"] for _, headers, _ in found] == ["1", "2", "3", "4", "5", "6"]
    assert [status for status, _, _ in found] == [200, 200, 400, 200, 400, 200]
    assert [body.count(b'"label"') for _, _, body in found] == [1, 0, 0, 2, 0, 1]


def test_a_request_may_come_in_any_pieces(connection: socket.socket, records: list[dict[str, Any]]) -> None:
    request = post(V1, instances(records[:1]))
    for at in range(0, len(request), 7):
        connection.sendall(request[at : at + 7])
    ((status, _, body),) = answers(connection, 1)
    assert (status, body.count(b'"label"')) == (200, 1)


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        (V1, b'{"instances": [{}]}', [], 400),
        (V1, b"{}", [], 400),
        (V1, b"", [], 400),
        (V1, b"{}", ["content-type: text/csv"], 415),
        (V1, b"{}", ["content-encoding: br"], 415),
        (V1 + "?x=1", b"{}", [], 400),
        (V2, b"{}", ["inference-header-content-length: 9"], 400),
        (V2.replace("heart", "lung"), b"{}", [], 404),
    ],
)
def test_what_is_refused_is_refused_the_long_way_and_the_connection_lives(
    connection: socket.socket,
    records: list[dict[str, Any]],
    path: str,
    body: bytes,
    headers: list[str],
    status: int,
) -> None:
    connection.sendall(post(path, body, *headers) + post(V1, instances(records[:1])))
    refused, answered = answers(connection, 2)
    assert refused[0] == status
    assert list(json.loads(refused[2])) == ["error"]
    assert answered[0] == 200


def test_a_connection_that_should_close_is_closed(connection: socket.socket, records: list[dict[str, Any]]) -> None:
    connection.sendall(post(V1, instances(records[:1]), "connection: close"))
    ((status, headers, _),) = answers(connection, 1)
    assert (status, headers["connection"]) == (200, "close")
    assert connection.recv(1) == b""


def test_old_http_is_answered_and_closed(connection: socket.socket, records: list[dict[str, Any]]) -> None:
    connection.sendall(post(V1, instances(records[:1])).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert answers(connection, 1)[0][0] == 200
    assert connection.recv(1) == b""


def test_what_expects_a_word_before_its_body_gets_it(connection: socket.socket, records: list[dict[str, Any]]) -> None:
    head, _, body = post(V1, instances(records[:1]), "expect: 100-continue").partition(b"\r\n\r\n")
    connection.sendall(head + b"\r\n\r\n")
    assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
    connection.sendall(body)
    assert answers(connection, 1)[0][0] == 200


def test_headers_have_an_end(client: httpx.Client, connection: socket.socket) -> None:
    connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n")
    answer = b""
    try:
        for _ in range(200):
            connection.sendall(b"x-a: " + b"a" * 4_000 + b"\r\n")
    except ConnectionError:
        pass
    else:
        answer = connection.recv(1_000)
        assert str(MAX_HEAD_BYTES).encode() in answer
    assert client.get("/v2/models/heart/ready").is_success


def test_what_is_no_http_is_refused_in_json(connection: socket.socket) -> None:
    connection.sendall(b"hello\r\n\r\n")
    ((status, headers, body),) = answers(connection, 1)
    assert (status, headers["connection"]) == (400, "close")
    assert json.loads(body) == {"error": "invalid HTTP request received."}


def test_clients_that_leave_before_their_answer_are_counted(
    client: httpx.Client, records: list[dict[str, Any]]
) -> None:
    def answered() -> int:
        pattern = r'predictor_requests_total\{model="heart",route="v1.predict",status="200"\} (\d+)'
        found = re.search(pattern, client.get("/metrics").text)
        assert found
        return int(found[1])

    before = answered()
    for _ in range(20):
        with socket.create_connection((client.base_url.host, client.base_url.port)) as leaving:
            leaving.sendall(post(V1, instances(records[:1])))
    deadline: Callable[[], bool] = iter([False] * 2_000 + [True]).__next__
    while answered() < before + 20:
        assert not deadline()
    assert "predictor_requests_in_flight 1.0" in client.get("/metrics").text
