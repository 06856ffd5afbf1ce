from __future__ import annotations

import hashlib
import http.server
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from kfp import dsl

from components import PROJECT, ingest, table
from components.errors import UnreadableTable
from components.ingest import fetch, ingest_source, parse
from contract.schema import Contract, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HEART = PROJECT / "datasets" / "heart"
CSV = (HEART / "cleveland.csv").read_bytes()
HEADER, FIRST, *_ = CSV.splitlines()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_request(self, *args: object) -> None:
        pass

    def log_error(self, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server of a folder: its `host:port`, and the folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{running.server_port}", folder
        running.shutdown()
        thread.join()


@pytest.fixture
def closed() -> str:
    """A `host:port` that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def source(location: str, sha256: str | None = None) -> Source:
    return Source(location=location, sha256=sha256, title="A table")


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(UnreadableTable) as caught:
        call()
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_a_path_starts_beside_the_contract(heart: Contract) -> None:
    frame, digest = ingest_source(heart, heart.training, HEART)
    assert len(frame) == 303
    assert digest == hashlib.sha256(CSV).hexdigest() == heart.training.sha256


def test_a_file_that_is_not_there_is_named_with_its_place(tmp_path: Path) -> None:
    message = refusal(lambda: fetch(source("absent.csv"), tmp_path))
    assert message.startswith("absent.csv: can't be read: No such file or directory")
    assert str(tmp_path / "absent.csv") in message
    assert "s3://bucket/key" in message


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "Is a directory" in refusal(lambda: fetch(source("."), tmp_path))


def test_bytes_come_over_http(server: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = server
    (folder / "table.csv").write_bytes(CSV)
    assert fetch(source(f"http://{address}/table.csv", hashlib.sha256(CSV).hexdigest()), tmp_path) == CSV


def test_bytes_that_are_not_the_promised_ones_are_refused(server: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = server
    (folder / "table.csv").write_bytes(CSV + b"\n")
    location, promised = f"http://{address}/table.csv", hashlib.sha256(CSV).hexdigest()
    message = refusal(lambda: fetch(source(location, promised), tmp_path))
    assert message.startswith(f"{location}: is not the file that the contract names")
    assert promised in message
    assert hashlib.sha256(CSV + b"\n").hexdigest() in message
    assert "correct sha256" in message


def test_a_page_that_is_not_found_is_told_in_words(server: tuple[str, Path], tmp_path: Path) -> None:
    location = f"http://{server[0]}/absent.csv"
    message = refusal(lambda: fetch(source(location), tmp_path))
    assert message == f"{location}: can't be fetched: the server answers 404 File not found; check the address"


def test_a_server_that_is_not_there_is_told_in_words(closed: str, tmp_path: Path) -> None:
    message = refusal(lambda: fetch(source(f"http://{closed}/table.csv"), tmp_path))
    assert "no server can be reached there" in message
    assert "urllib3" not in message


def test_a_server_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        location = f"http://127.0.0.1:{silent.getsockname()[1]}/table.csv"
        assert "doesn't answer within 0.1 seconds" in refusal(lambda: fetch(source(location), tmp_path))


def test_an_impossible_address_is_refused(tmp_path: Path) -> None:
    assert refusal(lambda: fetch(source("http://"), tmp_path)).startswith("http://: can't be fetched: ")


def test_s3_speaks_to_the_store_that_the_location_names(server: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = server
    (folder / "bucket").mkdir()
    (folder / "bucket" / "table.csv").write_bytes(CSV)
    location = f"s3://key:secret@bucket/table.csv?endpoint_override={address}&scheme=http&region=here"
    assert fetch(source(location), tmp_path) == CSV


def test_an_object_that_is_not_there_is_refused(server: tuple[str, Path], tmp_path: Path) -> None:
    location = f"s3://key:secret@bucket/absent.csv?endpoint_override={server[0]}&scheme=http&region=here"
    message = refusal(lambda: fetch(source(location), tmp_path))
    assert message.startswith("s3://")
    assert "Check the bucket, the key, the endpoint and the credentials" in message


def test_a_store_that_is_not_there_is_refused(closed: str, tmp_path: Path) -> None:
    location = f"s3://key:secret@bucket/table.csv?endpoint_override={closed}&scheme=http&region=here"
    assert "can't be fetched" in refusal(lambda: fetch(source(location), tmp_path))


def test_an_impossible_s3_location_is_refused(tmp_path: Path) -> None:
    assert "nonsense" in refusal(lambda: fetch(source("s3://bucket/key?nonsense=1"), tmp_path))


PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
UNSOUND = {
    "nothing": (b"", "is empty"),
    "blank lines": (b"\n \r\n\n", "is empty"),
    "header only": (HEADER + b"\n", "has a header but no rows"),
    "an image": (PNG, "holds NUL bytes"),
    "UTF-16": (CSV.decode().encode("utf-16"), "holds NUL bytes"),
    "Latin-1": (HEADER + b"\n" + FIRST[:-1] + b"\xe9", "line 2 is not UTF-8 (byte 0xe9); save the table"),
    "JSON": (b'{\n "age": [63, 67],\n "sex": [1, 1]\n}', "has none of the contract's columns"),
    "a web page": (b"<!DOCTYPE html>\n<p>Sign in, please</p>", "its first line reads '<!DOCTYPE html>'"),
    "no header": (b"\n".join(CSV.splitlines()[1:]), "or its header is missing"),
    "semicolons": (CSV.replace(b",", b";"), "its cells are separated by semicolons; save it with commas"),
    "tabs": (CSV.replace(b",", b"\t"), "its cells are separated by tabs"),
    "a short row": (HEADER + b"\n" + FIRST + b"\n1,2\n", "line 3 has 2 cells, the header has 14"),
    "a long row": (HEADER + b"\n" + FIRST + b",1\n", "line 2 has 15 cells, the header has 14"),
    "a blank line": (HEADER + b"\n\n" + FIRST + b"\n", "line 2 has 0 cells"),
    "a column twice": (HEADER + b",age\n" + FIRST + b",1\n", "its header names 'age' more than once"),
    "an open quote": (HEADER + b'\n"' + FIRST + b"\n", "is not a sound CSV file: unexpected end of data"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "reason"), UNSOUND.values(), ids=UNSOUND)
def test_what_is_no_table_is_refused(heart: Contract, content: bytes, reason: str) -> None:
    message = refusal(lambda: parse(heart, content, "some/table.csv"))
    assert message.startswith("some/table.csv: ")
    assert reason in message


def test_a_long_first_line_is_shortened(heart: Contract) -> None:
    assert len(refusal(lambda: parse(heart, b"x" * 100_000 + b"\n1", "table.csv"))) < 400


def test_marks_of_spreadsheets_do_no_harm(heart: Contract) -> None:
    plain = parse(heart, CSV, "table.csv")
    decorated = (
        b"\xef\xbb\xbf" + HEADER.replace(b",", b" , ") + b"\r\n" + b"\r\n".join(CSV.splitlines()[1:]) + b"\r\n\r\n"
    )
    pd.testing.assert_frame_equal(parse(heart, decorated, "table.csv"), plain)


def test_columns_that_the_contract_does_not_know_are_kept(heart: Contract) -> None:
    content = HEADER + b",note\n" + FIRST + b',"one, two"\n'
    assert parse(heart, content, "table.csv")["note"].tolist() == ["one, two"]


def test_the_component_keeps_tables_contract_and_provenance(heart: Contract, tmp_path: Path) -> None:
    contract, tables, external = (dsl.Artifact(uri=str(tmp_path / name)) for name in ("contract", "table", "external"))
    digest = ingest.ingest.python_func("datasets/heart/contract.yaml", contract, tables, external)
    assert digest == heart.training.sha256
    assert (tmp_path / "contract").read_bytes() == (HEART / "contract.yaml").read_bytes()
    assert len(table.read(tmp_path / "table")) == 303
    assert tables.metadata == {"source": "cleveland.csv", "sha256": digest, "rows": 303, "licence": "CC BY 4.0"}
    kept = {path.name: len(table.read(path)) for path in (tmp_path / "external").iterdir()}
    assert kept == {"hungarian.parquet": 294, "switzerland.parquet": 123, "va.parquet": 200}
    assert external.metadata == {name: source.sha256 for name, source in heart.external.items()}
