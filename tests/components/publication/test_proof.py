from __future__ import annotations

import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import requests

from components.errors import PublicationFailed
from components.publication import proof
from components.publication.proof import predictor, prove
from contract.bundle import Golden, GoldenRequests, load_bundle
from tests.components.artifacts import Artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import FinishedRun

ROWS = "rows of the training table"


@pytest.fixture(scope="module")
def golden(finished: FinishedRun) -> GoldenRequests:
    return load_bundle(finished.bundle).golden


@pytest.fixture(scope="module")
def url(finished: FinishedRun) -> Iterator[str]:
    """The one predictor that most tests talk to."""
    with predictor(finished.bundle, "heart") as url:
        yield url


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started in a test."""
    found: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            found.append(self)

    monkeypatch.setattr("components.publication.proof.subprocess.Popen", Noted)
    return found


def changed(golden: GoldenRequests, title: str, **change: object) -> GoldenRequests:
    """The same requests, but for one."""
    assert title in {request.title for request in golden.requests}
    requests = tuple(
        request.model_copy(update=change) if request.title == title else request for request in golden.requests
    )
    return golden.model_copy(update={"requests": requests})


def request_titled(golden: GoldenRequests, title: str) -> Golden:
    return next(request for request in golden.requests if request.title == title)


def test_the_predictor_of_the_bundle_is_proven_and_leaves_nothing_behind(
    finished: FinishedRun, golden: GoldenRequests, started: list[subprocess.Popen[bytes]]
) -> None:
    with predictor(finished.bundle, "renamed") as url:
        (process,) = started
        assert process.poll() is None
        rows = prove(url, "renamed", golden)
    assert rows == sum(len(request.instances) for request in golden.requests if not request.refused)
    assert rows > 32
    assert process.returncode == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_it_is_stopped_when_the_body_raises(finished: FinishedRun, started: list[subprocess.Popen[bytes]]) -> None:
    with pytest.raises(KeyboardInterrupt), predictor(finished.bundle, "heart"):
        raise KeyboardInterrupt
    (process,) = started
    assert process.returncode is not None


def test_a_corrupt_bundle_fails_with_the_predictors_line(
    finished: FinishedRun, tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    bundle = shutil.copytree(finished.bundle, tmp_path / "bundle")
    with (bundle / "model.onnx").open("ab") as file:
        file.write(b"!")
    with (
        pytest.raises(PublicationFailed, match=r"model\.onnx: was changed after the bundle was sealed") as caught,
        predictor(bundle, "heart"),
    ):
        raise AssertionError("it must not start")
    assert str(caught.value).startswith("the predictor ended with status 1:\n")
    assert started[0].returncode == 1


def test_one_that_is_not_ready_in_time(
    finished: FinishedRun, monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[bytes]]
) -> None:
    monkeypatch.setattr(proof, "READY_SECONDS", 0.0)
    with pytest.raises(PublicationFailed, match="wasn't ready within 0 s"), predictor(finished.bundle, "heart"):
        raise AssertionError("it must not be ready")
    assert started[0].returncode is not None


def test_one_that_does_not_stop_in_time(
    finished: FinishedRun, monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[bytes]]
) -> None:
    monkeypatch.setattr(proof, "STOP_SECONDS", 0.0)
    with pytest.raises(PublicationFailed, match="didn't stop within 0 s"), predictor(finished.bundle, "heart"):
        pass
    assert started[0].returncode is not None


def test_one_that_dies_meanwhile(
    finished: FinishedRun, golden: GoldenRequests, started: list[subprocess.Popen[bytes]]
) -> None:
    server = predictor(finished.bundle, "heart")
    url = server.__enter__()
    started[0].kill()
    started[0].wait()
    with pytest.raises(PublicationFailed, match=r"golden request 'asymptomatic, .*' got no answer"):
        prove(url, "heart", golden)
    with pytest.raises(PublicationFailed, match="stopped with status -9"):
        server.__exit__(None, None, None)


def test_a_proxy_of_the_surroundings_is_not_asked(
    url: str, golden: GoldenRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert prove(url, "heart", golden) > 0


def test_another_probability_is_named_with_request_and_row(url: str, golden: GoldenRequests) -> None:
    right = request_titled(golden, ROWS).probabilities
    value = right[7]["disease"]
    for found in (value + 2e-6, value - 2e-6, float("nan")):
        wrong = {**right[7], "disease": found}
        other = changed(golden, ROWS, probabilities=(*right[:7], wrong, *right[8:]))
        with pytest.raises(PublicationFailed) as caught:
            prove(url, "heart", other)
        assert f"golden request '{ROWS}', row 7: the evaluation saw " in str(caught.value)
        assert f"disease {value:.9f}); it isn't the model that was evaluated" in str(caught.value)


def test_within_the_tolerance_it_is_the_same_probability(url: str, golden: GoldenRequests) -> None:
    known = request_titled(golden, ROWS).probabilities
    near = tuple({label: value + 5e-7 for label, value in row.items()} for row in known)
    assert prove(url, "heart", changed(golden, ROWS, probabilities=near)) > 0


def test_another_label_is_named(url: str, golden: GoldenRequests) -> None:
    labels = list(request_titled(golden, ROWS).labels)
    labels[3] = "disease" if labels[3] == "no disease" else "no disease"
    with pytest.raises(PublicationFailed, match=rf"'{ROWS}', row 3: the evaluation saw '{labels[3]}' \("):
        prove(url, "heart", changed(golden, ROWS, labels=tuple(labels)))


def test_the_probabilities_of_other_classes_are_no_proof(url: str, golden: GoldenRequests) -> None:
    known = request_titled(golden, ROWS).probabilities
    swapped = tuple(dict(zip(row, reversed(row.values()), strict=True)) for row in known)
    renamed = tuple(
        {"illness" if label == "disease" else label: value for label, value in row.items()} for row in known
    )
    for other in (swapped, renamed):
        with pytest.raises(PublicationFailed, match="it isn't the model that was evaluated"):
            prove(url, "heart", changed(golden, ROWS, probabilities=other))


def test_a_refusal_that_is_answered(url: str, golden: GoldenRequests) -> None:
    title = "an age in months"
    known = request_titled(golden, ROWS).instances[:1]
    with pytest.raises(
        PublicationFailed, match=f"'{title}' must be refused under 'out-of-range'; the predictor answered 200"
    ):
        prove(url, "heart", changed(golden, title, instances=known))


def test_a_refusal_under_another_rule(url: str, golden: GoldenRequests) -> None:
    title = "an age in months"
    with pytest.raises(
        PublicationFailed, match=f"'{title}' must be refused under 'range'; the predictor answered 400: .*out-of-range"
    ):
        prove(url, "heart", changed(golden, title, refused="range"))


def test_an_answer_that_is_refused(url: str, golden: GoldenRequests) -> None:
    (first, *others) = request_titled(golden, ROWS).instances
    with pytest.raises(PublicationFailed, match=f"'{ROWS}' was answered with 400: .*row 0, age: 7 breaks"):
        prove(url, "heart", changed(golden, ROWS, instances=({**first, "age": 7}, *others)))


def test_another_model_than_the_one_asked_for(url: str, golden: GoldenRequests) -> None:
    with pytest.raises(PublicationFailed, match="was answered with 404"):
        prove(url, "liver", golden)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "got no answer of the protocol"),
        (b"[]", r"was answered with 200: \[\]"),
        (b'{"predictions": 7}', "was answered with 200"),
        (b'{"predictions": [0.7]}', "was answered with 200"),
        (b'{"predictions": []}', "was answered with 200"),
        (b'{"predictions": [{"label": "disease", "probabilities": {"disease": null}}]}', "was answered with 200"),
        (b'{"predictions": [{"label": "disease", "probabilities": {}}]}', "it isn't the model that was evaluated"),
    ],
)
def test_a_server_that_speaks_another_language(golden: GoldenRequests, body: bytes, words: str) -> None:
    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(PublicationFailed, match=f"golden request 'asymptomatic, .* {words}"):
                prove(f"http://127.0.0.1:{server.server_port}", "heart", golden)
            refused = golden.model_copy(update={"requests": (request_titled(golden, "an age in months"),)})
            if b"<" not in body:
                with pytest.raises(PublicationFailed, match="must be refused under 'out-of-range'"):
                    prove(f"http://127.0.0.1:{server.server_port}", "heart", refused)
        finally:
            server.shutdown()
            thread.join()


def test_a_bundle_whose_golden_answers_are_wrong_does_not_even_start(finished: FinishedRun, tmp_path: Path) -> None:
    def lie(bundle: Path) -> None:
        golden = GoldenRequests.model_validate_json((bundle / "golden.json").read_bytes())
        right = request_titled(golden, ROWS).probabilities
        lied = changed(golden, ROWS, probabilities=({**right[0], "disease": 0.123}, *right[1:]))
        (bundle / "golden.json").write_text(lied.model_dump_json(), encoding="utf-8")

    bundle = Artifacts(finished).changed_bundle(tmp_path / "bundle", lie)
    assert load_bundle(bundle).golden.requests
    with (
        pytest.raises(PublicationFailed, match=f"request '{ROWS}': row 0: "),
        predictor(bundle, "heart"),
    ):
        raise AssertionError("it must not start")
