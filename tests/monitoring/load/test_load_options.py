"""What needs no load: the help, and arguments that can't be."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from contract.errors import UnreadableContract
from monitoring.errors import NoPredictor, WrongModel
from monitoring.load.command import app
from monitoring.load.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contract.schema import Contract

    Serve = Callable[[dict[str, object]], str]


def test_the_help_teaches() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    for name in ("host", "model", "dataset", "table", "rate", "connections", "duration", "timeout", "valid", "invalid"):
        assert f"--{name} " in text
    for name in ("odd", "batches", "batch-rows", "seed", "truth", "truth-delay"):
        assert f"--{name} " in text
    assert "requests per second" in text
    assert "seconds to go on" in text
    assert "exit status is 0 if every request was answered as it must be, 1 if not, and 2 for wrong arguments" in text
    assert "Try: python -m monitoring.load --rate 200 --duration 60" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--valid", "0", "--invalid", "0", "--odd", "0"], "can't all be 0"),
        (["--rate", "-1"], "--rate"),
        (["--batches", "2"], "--batches"),
        (["--duration", "0"], "--duration"),
        (["--connections", "0"], "--connections"),
        (["--host", "127.0.0.1:8080"], "is not of the form http://HOST:PORT"),
        (["--host", "http://127.0.0.1:port"], "is not of the form http://HOST:PORT"),
        (["--host", "http://127.0.0.1:8080/v1"], "is not of the form http://HOST:PORT"),
        (["--forever"], "No such option"),
    ],
)
def test_wrong_arguments_are_a_usage_error(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--table", "mars"], "--table mars: the contract has training, hungarian, switzerland, va"),
        (["--batch-rows", "10001"], "--batch-rows 10001: a request may hold 10000 rows"),
    ],
)
def test_what_the_contract_does_not_have_is_a_usage_error(url: str, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["--host", url, *arguments])
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_dataset_that_is_not_there_is_named(url: str) -> None:
    result = CliRunner().invoke(app, ["--host", url, "--dataset", "nowhere"])
    assert isinstance(result.exception, UnreadableContract)
    assert "nowhere/contract.yaml: can't be read" in str(result.exception)


def test_a_model_that_is_not_served_is_named(url: str) -> None:
    result = CliRunner().invoke(app, ["--host", url, "--model", "lung"])
    assert isinstance(result.exception, WrongModel)
    assert str(result.exception) == f"{url}: doesn't serve the model 'lung'; it serves: heart"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve JSON by path, and 404 elsewhere; a `str` is served as it is."""
    servers: list[tuple[HTTPServer, threading.Thread]] = []

    def begin(contents: dict[str, object]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = contents.get(self.path)
                self.send_response(404 if content is None else 200)
                self.end_headers()
                self.wfile.write((content if isinstance(content, str) else json.dumps(content)).encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield begin
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_only_model_needs_no_name(serve: Serve) -> None:
    assert Target(serve({"/v2/models": {"models": ["heart"]}}), 5).model(None) == "heart"
    several = Target(serve({"/v2/models": {"models": ["heart", "lung"]}}), 5)
    assert several.model("lung") == "lung"
    with pytest.raises(WrongModel, match="name the model with --model; it serves: heart, lung"):
        several.model(None)
    with pytest.raises(WrongModel, match="it serves: none"):
        Target(serve({"/v2/models": {"models": []}}), 5).model(None)


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ({}, "/v2/models gives 404"),
        ({"/v2/models": "<html>"}, "/v2/models isn't JSON"),
        ({"/v2/models": {"models": [1]}}, "/v2/models has no list of models"),
        ({"/v2/models": []}, "/v2/models has no list of models"),
    ],
)
def test_what_is_no_predictor_is_told_so(serve: Serve, contents: dict[str, object], said: str) -> None:
    with pytest.raises(NoPredictor, match=f"doesn't answer as a predictor: {said}"):
        Target(serve(contents), 5).model(None)


def test_a_model_of_another_contract_is_refused(serve: Serve, heart: Contract) -> None:
    of_other: object = {"inputs": [{"name": "sepal_length"}]}
    target = Target(serve({"/v2/models/iris": of_other, "/v2/models/odd": {}}), 5)
    with pytest.raises(WrongModel, match="'iris' takes sepal_length; the contract 'heart' has age, sex"):
        target.check("iris", heart)
    with pytest.raises(NoPredictor, match="has no inputs"):
        target.check("odd", heart)
