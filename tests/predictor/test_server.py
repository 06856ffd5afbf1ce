"""The end of a server, and what it stands: restarts behind a proxy under load, overload, files that vanish."""

from __future__ import annotations

import asyncio
import shutil
import signal
import ssl
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., tuple[subprocess.Popen[str], str]]

ROOT = Path(__file__).parents[2]
READY = "/v2/health/ready"
V1 = "/v1/models/heart:predict"
RESTARTS = 10
DELAY = 0.6
"""Seconds for which the servers under test answer after SIGTERM; twice what the proxy takes to notice."""


class Proxy:
    """Hands requests to the replicas that are ready, as a Service does: it looks every 0.1 s, and not between."""

    def __init__(self) -> None:
        self.replicas: dict[str, httpx.AsyncClient] = {}
        self._ready: list[str] = []
        self._next = 0

    async def watch(self) -> None:
        while True:
            ready = []
            for url in list(self.replicas):
                with suppress(httpx.TransportError):
                    if (await self.replicas[url].get(READY)).is_success:
                        ready.append(url)
            self._ready = ready
            await asyncio.sleep(0.1)

    async def until_ready(self, url: str) -> None:
        async with asyncio.timeout(30):
            while url not in self._ready:
                await asyncio.sleep(0.02)

    async def post(self, content: bytes) -> httpx.Response:
        self._next += 1
        return await self.replicas[self._ready[self._next % len(self._ready)]].post(V1, content=content)


async def restart_under_load(bundle: Path, start: Start, body: bytes) -> list[int]:
    """The statuses of all requests sent while the replicas were restarted in turn."""
    statuses: list[int] = []
    proxy = Proxy()
    processes: dict[str, subprocess.Popen[str]] = {}

    async def launch() -> str:
        process, url = await asyncio.to_thread(start, bundle, "--drain_delay_seconds", str(DELAY))
        processes[url] = process
        proxy.replicas[url] = httpx.AsyncClient(base_url=url, timeout=30)
        await proxy.until_ready(url)
        return url

    async def send() -> None:
        while True:
            statuses.append((await proxy.post(body)).status_code)

    watch = asyncio.create_task(proxy.watch())
    old = await launch()
    senders = [asyncio.create_task(send()) for _ in range(8)]
    for _ in range(RESTARTS):
        new = await launch()
        processes[old].terminate()
        assert await asyncio.to_thread(processes[old].wait, 30) == 0
        await proxy.replicas.pop(old).aclose()
        old = new
    for sender in senders:
        assert not sender.done(), sender.exception()
        sender.cancel()
    watch.cancel()
    await proxy.replicas.pop(old).aclose()
    processes[old].terminate()
    assert await asyncio.to_thread(processes[old].wait, 30) == 0
    return statuses


def test_no_request_is_lost_in_ten_restarts(bundle: Path, start: Start, records: list[dict[str, Any]]) -> None:
    statuses = asyncio.run(restart_under_load(bundle, start, orjson.dumps({"instances": records})))
    assert len(statuses) > 100 * RESTARTS
    assert set(statuses) == {200}


def test_after_sigterm_it_says_that_it_is_not_ready_and_answers_all_the_same(
    bundle: Path, start: Start, records: list[dict[str, Any]]
) -> None:
    process, url = start(bundle, "--drain_delay_seconds", "2")
    with httpx.Client(base_url=url) as client:
        process.send_signal(signal.SIGTERM)
        while client.get(READY).is_success:
            assert process.poll() is None
        for path in (READY, "/v2/models/heart/ready", "/v1/models/heart"):
            answer = client.get(path)
            assert answer.status_code == 503
        assert client.get(READY).json() == {"error": "the predictor is being stopped; ask another replica"}
        assert client.get("/v2/models/heart/ready").headers["retry-after"] == "1"
        answer = client.post(V1, json={"instances": records})
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"
    assert process.wait(30) == 0


def test_a_second_signal_ends_it_at_once(bundle: Path, start: Start) -> None:
    process, url = start(bundle, "--drain_delay_seconds", "600")
    process.terminate()
    while httpx.get(f"{url}{READY}").is_success:
        assert process.poll() is None
    process.terminate()
    assert process.wait(30) == 0


def test_it_speaks_tls_with_kserves_arguments(bundle: Path, free_port: Callable[[], int], tmp_path: Path) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    port = free_port()
    arguments = ["--http_port", str(port), "--ssl_certfile", str(certificate), "--ssl_keyfile", str(key)]
    process = subprocess.Popen(
        [sys.executable, "-m", "predictor", "--bundle", bundle, "--drain_delay_seconds", "0", *arguments],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    context = ssl.create_default_context(cafile=certificate)
    with httpx.Client(base_url=f"https://localhost:{port}", verify=context) as client:
        while process.poll() is None:
            with suppress(httpx.ConnectError):
                assert client.get("/v2/models/heart/ready").json() == {"name": "heart", "ready": True}
                break
    process.terminate()
    assert process.wait(30) == 0


def test_files_that_vanish_do_not_matter_while_it_serves(
    copied: Path, start: Start, records: list[dict[str, Any]]
) -> None:
    process, url = start(copied)
    before = httpx.post(f"{url}{V1}", json={"instances": records}).content
    shutil.rmtree(copied)
    assert httpx.post(f"{url}{V1}", json={"instances": records}).content == before
    assert httpx.get(f"{url}/v2/models/heart/ready").is_success
    process.terminate()
    assert process.wait(30) == 0


@pytest.fixture
def large(records: list[dict[str, Any]]) -> bytes:
    """As many rows as the contract lets one request hold."""
    return orjson.dumps({"instances": records[:2] * 5_000})


def test_probes_are_answered_while_a_large_request_runs(client: httpx.Client, large: bytes) -> None:
    url = str(client.base_url)

    async def probe() -> tuple[list[float], int]:
        waits = []
        async with httpx.AsyncClient(base_url=url, timeout=30) as prober, httpx.AsyncClient(timeout=30) as sender:
            await prober.get("/v2/health/live")
            request = asyncio.create_task(sender.post(f"{url}{V1}", content=large))
            while not request.done():
                started = time.perf_counter()
                await prober.get("/v2/health/live")
                waits.append(time.perf_counter() - started)
            return waits, len((await request).json()["predictions"])

    waits, rows = asyncio.run(probe())
    assert rows == 10_000
    # More than one probe comes back between the request's first byte and its answer: it runs in turns.
    assert len(waits) > 5


async def flood(url: str, body: bytes, requests: int) -> list[httpx.Response]:
    """The answers to that many requests at once."""
    limits = httpx.Limits(max_connections=requests)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        return await asyncio.gather(*(client.post(V1, content=body) for _ in range(requests)))


def test_overload_is_said_and_passes(bundle: Path, start: Start, large: bytes, records: list[dict[str, Any]]) -> None:
    process, url = start(bundle, "--max_requests", "4", "--max_held_bytes", str(3 * len(large)))
    memory = psutil.Process(process.pid)
    answers = asyncio.run(flood(url, large, 40))
    peak = memory.memory_info().rss
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {200, 503}
    for answer in refused:
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["error"].endswith("try again in a second")
    assert all(len(answer.json()["predictions"]) == 10_000 for answer in answers if answer.is_success)
    assert peak < 600 * 2**20
    assert httpx.post(f"{url}{V1}", json={"instances": records}).is_success
    process.terminate()
    assert process.wait(30) == 0
