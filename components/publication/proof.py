"""The proof before publication: a real predictor, started from the bundle, answers the golden requests over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import requests

from components import PROJECT
from components.errors import PublicationFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from contract.bundle import Golden, GoldenRequests

READY_SECONDS = 60.0
"""A predictor is ready in a second or two; a busy machine may need longer."""
STOP_SECONDS = 30.0
_ANSWER_SECONDS = 30.0
_BAD_REQUEST = 400


@contextmanager
def predictor(bundle: Path, model: str) -> Iterator[str]:
    """Start a predictor of the bundle on a free loopback port; yields its base URL once it is ready, then stops it.

    Raises `PublicationFailed` with the predictor's own words if it doesn't become ready, or doesn't stop cleanly.
    """
    port = _free_port()
    arguments = ["--bundle", str(bundle), "--model_name", model, "--http_port", str(port), "--drain_delay_seconds", "0"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "predictor", *arguments],
            cwd=PROJECT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(process, f"{url}/v2/models/{model}/ready", output)
            yield url
            _stop(process, output)
        finally:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], url: str, output: IO[str]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with _session() as session:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise PublicationFailed(f"the predictor ended with status {process.returncode}:\n{_said(output)}")
            try:
                if session.get(url, timeout=1).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.05)
    raise PublicationFailed(f"the predictor wasn't ready within {READY_SECONDS:.0f} s:\n{_said(output)}")


def _stop(process: subprocess.Popen[bytes], output: IO[str]) -> None:
    process.terminate()
    try:
        status = process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        raise PublicationFailed(f"the predictor didn't stop within {STOP_SECONDS:.0f} s:\n{_said(output)}") from None
    if status != 0:
        raise PublicationFailed(f"the predictor stopped with status {status}:\n{_said(output)}")


def _session() -> requests.Session:
    """Requests that go straight to the predictor, whatever proxy the environment names."""
    session = requests.Session()
    session.trust_env = False
    return session


def _said(output: IO[str]) -> str:
    output.seek(0)
    return output.read().strip()[-2000:] or "(it said nothing)"


def prove(url: str, model: str, golden: GoldenRequests) -> int:
    """Send every golden request over v1 and compare labels, and the probability of every class.

    Returns how many rows were answered as the reference answers. Raises `PublicationFailed` naming the first request,
    and row, that isn't.
    """
    rows = 0
    with _session() as session:
        for request in golden.requests:
            status, content = _answer(session, f"{url}/v1/models/{model}:predict", request)
            if request.refused:
                _compare_refusal(request, status, content)
            else:
                _compare(request, status, content, golden.tolerance)
                rows += len(request.instances)
    return rows


def _answer(session: requests.Session, url: str, request: Golden) -> tuple[int, Any]:
    try:
        answer = session.post(url, json={"instances": request.instances}, timeout=_ANSWER_SECONDS)
        return answer.status_code, answer.json()
    except requests.RequestException as error:
        raise PublicationFailed(f"golden request {request.title!r} got no answer of the protocol: {error}") from None


def _compare_refusal(request: Golden, status: int, content: Any) -> None:
    words = str(content.get("error", "")) if isinstance(content, dict) else ""
    if status != _BAD_REQUEST or f"'{request.refused}'" not in words:
        raise PublicationFailed(
            f"golden request {request.title!r} must be refused under {request.refused!r}; the predictor answered"
            f" {status}: {content}"
        )


def _compare(request: Golden, status: int, content: Any, tolerance: float) -> None:
    try:
        predictions = [
            (item["label"], {str(label): float(value) for label, value in item["probabilities"].items()})
            for item in content["predictions"]
        ]
    except (AttributeError, KeyError, TypeError, ValueError):
        predictions = []
    if len(predictions) != len(request.instances):
        raise PublicationFailed(f"golden request {request.title!r} was answered with {status}: {content}")
    expected = zip(request.labels, request.probabilities, strict=True)
    for row, ((found, served), (label, probabilities)) in enumerate(zip(predictions, expected, strict=True)):
        # `not <=` instead of `>`: a NaN must count as a difference.
        same = served.keys() == probabilities.keys() and all(
            abs(served[name] - value) <= tolerance for name, value in probabilities.items()
        )
        if found != label or not same:
            raise PublicationFailed(
                f"golden request {request.title!r}, row {row}: the evaluation saw {label!r} ({_shares(probabilities)}),"
                f" the predictor says {found!r} ({_shares(served)}); it isn't the model that was evaluated"
            )


def _shares(probabilities: Mapping[str, float]) -> str:
    return ", ".join(f"{label} {value:.9f}" for label, value in probabilities.items())
