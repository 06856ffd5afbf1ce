from __future__ import annotations

import hashlib
import http.server
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from components import PROJECT
from components.errors import UnreadableTable
from components.ingestion import fetching
from components.ingestion.fetching import fetch, is_remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CSV = (PROJECT / "datasets" / "heart" / "cleveland.csv").read_bytes()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_request(self, *args: object) -> None:
        pass

    def log_error(self, *args: object) -> None:
        pass


class _BreaksOff(_Quiet):
    """Promises more than it sends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(2 * len(CSV)))
        self.end_headers()
        self.wfile.write(CSV)


@pytest.fixture
def serving() -> Iterator[Callable[[Callable[..., http.server.BaseHTTPRequestHandler]], str]]:
    """Starts a web server with a handler and gives its `host:port`; it is stopped after the test."""
    running: list[tuple[http.server.ThreadingHTTPServer, threading.Thread]] = []

    def start(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> str:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server(tmp_path: Path, serving: Callable[..., str]) -> tuple[str, Path]:
    """A web server of a folder: its `host:port`, and the folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    return serving(partial(_Quiet, directory=str(folder))), folder


@pytest.fixture
def closed() -> str:
    """A `host:port` that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def refusal(location: str, beside: Path, scratch: Path) -> str:
    with pytest.raises(UnreadableTable) as caught:
        fetch(location, beside, scratch)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_a_path_starts_beside_the_contract_and_is_not_copied(tmp_path: Path, scratch: Path) -> None:
    (tmp_path / "table.csv").write_bytes(CSV)
    assert fetch("table.csv", tmp_path, scratch) == tmp_path / "table.csv"
    assert fetch(str(tmp_path / "table.csv"), PROJECT, scratch) == tmp_path / "table.csv"
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("location", "remote"),
    [("a.csv", False), ("/a.csv", False), ("http://a/b", True), ("https://a/b", True), ("s3://a/b", True)],
)
def test_a_location_is_an_address_or_a_path(location: str, remote: bool) -> None:
    assert is_remote(location) == remote


def test_a_file_that_is_not_there_is_named_with_its_place(tmp_path: Path, scratch: Path) -> None:
    message = refusal("absent.csv", tmp_path, scratch)
    assert message.startswith("absent.csv: can't be read: No such file or directory")
    assert str(tmp_path / "absent.csv") in message
    assert "s3://bucket/key" in message


def test_a_folder_is_no_file(tmp_path: Path, scratch: Path) -> None:
    assert "Is a directory" in refusal(".", tmp_path, scratch)


def test_bytes_come_over_http(server: tuple[str, Path], scratch: Path) -> None:
    address, folder = server
    (folder / "table.csv").write_bytes(CSV)
    (folder / "other.csv").write_bytes(b"other")
    paths = [fetch(f"http://{address}/{name}.csv", folder, scratch) for name in ("table", "other")]
    assert [path.read_bytes() for path in paths] == [CSV, b"other"]
    assert {path.parent for path in paths} == {scratch}


def test_a_page_that_is_not_found_is_told_in_words(server: tuple[str, Path], scratch: Path) -> None:
    location = f"http://{server[0]}/absent.csv"
    message = refusal(location, scratch, scratch)
    assert message == f"{location}: can't be fetched: the server answers 404 File not found; check the address"


def test_a_server_that_is_not_there_is_told_in_words(closed: str, scratch: Path) -> None:
    message = refusal(f"http://{closed}/table.csv", scratch, scratch)
    assert "no server can be reached there" in message
    assert "urllib3" not in message


def test_an_answer_that_breaks_off_is_not_taken_for_the_file(serving: Callable[..., str], scratch: Path) -> None:
    message = refusal(f"http://{serving(_BreaksOff)}/table.csv", scratch, scratch)
    assert "or it broke off" in message
    assert "IncompleteRead" not in message


def test_a_server_that_never_answers_is_given_up(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        location = f"http://127.0.0.1:{silent.getsockname()[1]}/table.csv"
        assert "doesn't answer within 0.1 seconds" in refusal(location, scratch, scratch)


def test_an_impossible_address_is_refused(scratch: Path) -> None:
    assert refusal("http://", scratch, scratch).startswith("http://: can't be fetched: ")


def test_s3_speaks_to_the_store_that_the_location_names(server: tuple[str, Path], scratch: Path) -> None:
    address, folder = server
    (folder / "bucket").mkdir()
    (folder / "bucket" / "table.csv").write_bytes(CSV)
    location = f"s3://key:secret@bucket/table.csv?endpoint_override={address}&scheme=http&region=here"
    content = fetch(location, scratch, scratch).read_bytes()
    assert hashlib.sha256(content).digest() == hashlib.sha256(CSV).digest()


def test_an_object_that_is_not_there_is_refused(server: tuple[str, Path], scratch: Path) -> None:
    location = f"s3://key:secret@bucket/absent.csv?endpoint_override={server[0]}&scheme=http&region=here"
    message = refusal(location, scratch, scratch)
    assert message.startswith("s3://")
    assert "Check the bucket, the key, the endpoint and the credentials" in message


def test_a_store_that_is_not_there_is_refused(closed: str, scratch: Path) -> None:
    location = f"s3://key:secret@bucket/table.csv?endpoint_override={closed}&scheme=http&region=here"
    assert "can't be fetched" in refusal(location, scratch, scratch)


def test_an_impossible_s3_location_is_refused(scratch: Path) -> None:
    assert "nonsense" in refusal("s3://bucket/key?nonsense=1", scratch, scratch)
