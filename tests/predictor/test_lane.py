"""What every answer carries, and what the log says of it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Start = Callable[..., tuple[subprocess.Popen[str], str]]

V1 = "/v1/models/heart:predict"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_request_id_comes_back(client: httpx.Client, records: list[dict[str, Any]]) -> None:
    for content in ({"instances": records}, {}):
        answer = client.post(V1, json=content, headers={"x-request-id": "order-17"})
        assert answer.headers["x-request-id"] == "order-17"


def test_who_sends_no_id_gets_one_of_their_own(client: httpx.Client) -> None:
    ids = {client.get("/v2/models/heart").headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


def test_an_id_that_is_too_long_is_replaced(client: httpx.Client) -> None:
    assert len(client.get("/v2/models/heart", headers={"x-request-id": "x" * 1_000}).headers["x-request-id"]) < 100


def test_a_large_answer_is_compressed_for_who_accepts_it(client: httpx.Client, records: list[dict[str, Any]]) -> None:
    body = {"instances": records * 200}
    packed = client.post(V1, json=body, headers={"accept-encoding": "gzip"})
    plain = client.post(V1, json=body, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 5


def test_a_small_answer_is_not_compressed(client: httpx.Client, records: list[dict[str, Any]]) -> None:
    assert "content-encoding" not in client.post(V1, json={"instances": records}).headers


@pytest.fixture
def logged(bundle: Path, start: Start, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Run a server for some requests; returns what it logged of them."""

    def run(send: Callable[[httpx.Client], None], *arguments: str) -> list[dict[str, Any]]:
        log = tmp_path / "log"
        process, url = start(bundle, *arguments, log=log)
        with httpx.Client(base_url=url) as client:
            send(client)
        process.terminate()
        assert process.wait(30) == 0
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["message"] == "request"]

    return run


def test_a_request_is_one_line_at_most_and_holds_no_value(
    logged: Callable[..., list[dict[str, Any]]], records: list[dict[str, Any]]
) -> None:
    def send(client: httpx.Client) -> None:
        headers = {"x-request-id": "order-17", "traceparent": TRACE}
        client.post(V1, json={"instances": [{**records[0], "age": 756, "cp": "Mrs Smith"}]}, headers=headers)
        client.post(V1, json={"instances": [{**records[0], "Mrs Smith": 1}]})
        client.post(V1, content=b"Mrs Smith")

    refused, unknown, malformed = logged(send, "--log_share", "0")
    assert refused.pop("milliseconds") > 0
    assert refused.pop("time")
    assert refused == {
        "level": "warning",
        "logger": "predictor",
        "message": "request",
        "request_id": "order-17",
        "traceparent": TRACE,
        "method": "POST",
        "path": V1,
        "status": 400,
        "refused": ["age out-of-range", "cp wrong-type"],
    }
    assert unknown["refused"] == []
    assert malformed["error"] == "MalformedRequest"
    assert "Smith" not in json.dumps([refused, unknown, malformed])
    assert "756" not in json.dumps(refused)


def test_healthy_requests_are_logged_by_their_share(logged: Callable[..., list[dict[str, Any]]]) -> None:
    def send(client: httpx.Client) -> None:
        for _ in range(20):
            client.get("/v2/models/heart")

    assert len(logged(send, "--log_share", "0.1")) == 2


def test_lines_about_failures_have_a_limit_and_the_rest_is_counted(
    logged: Callable[..., list[dict[str, Any]]],
) -> None:
    def send(client: httpx.Client) -> None:
        for _ in range(50):
            client.post(V1, content=b"{")
        time.sleep(1.1)
        client.post(V1, content=b"{")

    lines = logged(send, "--log_share", "0", "--log_limit", "5")
    assert len(lines) < 50
    assert len(lines) + sum(line.get("not_logged", 0) for line in lines) == 51
