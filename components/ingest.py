"""Ingest: any source of the contract becomes a typed Parquet table, with its digest and provenance."""

import csv
import hashlib
import io
import shutil
from pathlib import Path

import pandas as pd
from kfp import dsl

from components import PROJECT
from components.errors import UnreadableTable
from components.image import component
from contract.schema import Contract, Source

_SECONDS = 60
_LONGEST_SHOWN = 60
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def fetch(source: Source, beside: Path) -> bytes:
    """The bytes of a source: a path beside the contract, `http(s)://`, or `s3://`.

    S3 takes its credentials from the environment; `s3://bucket/key?endpoint_override=host:port&scheme=http` names a
    store other than Amazon's.

    Raises `UnreadableTable` if the bytes can't be had or aren't those that the contract's checksum promises.
    """
    location = source.location
    if location.startswith(("http://", "https://")):
        content = _download(location)
    elif location.startswith("s3://"):
        content = _stored_object(location)
    else:
        content = _file(location, beside)
    digest = hashlib.sha256(content).hexdigest()
    if source.sha256 and digest != source.sha256:
        raise UnreadableTable(
            f"{location}: is not the file that the contract names: its SHA-256 is {digest},"
            f" the contract says {source.sha256}. Restore the file, or, if the change is meant, correct sha256."
        )
    return content


def _file(location: str, beside: Path) -> bytes:
    path = beside / location
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableTable(
            f"{location}: can't be read: {error.strerror} ({path}). A location is a path beside the contract,"
            " an http(s):// address, or s3://bucket/key."
        ) from None


def _download(location: str) -> bytes:
    import requests

    try:
        answer = requests.get(location, timeout=_SECONDS)
        answer.raise_for_status()
    except requests.HTTPError:
        reason = f"the server answers {answer.status_code} {answer.reason}; check the address"
    except requests.Timeout:
        reason = f"the server doesn't answer within {_SECONDS} seconds; try again later"
    except requests.ConnectionError:
        reason = "no server can be reached there, or it broke off; check the address and the network"
    except requests.RequestException as error:
        reason = str(error)
    else:
        return bytes(answer.content)
    raise UnreadableTable(f"{location}: can't be fetched: {reason}")


def _stored_object(location: str) -> bytes:
    from pyarrow import ArrowException, fs

    try:
        filesystem, path = fs.FileSystem.from_uri(location)
        with filesystem.open_input_file(path) as file:
            return bytes(file.read())
    except (OSError, ArrowException) as error:
        raise UnreadableTable(
            f"{location}: can't be fetched: {error}. Check the bucket, the key, the endpoint and the credentials"
            " (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
        ) from None


def parse(contract: Contract, content: bytes, location: str) -> pd.DataFrame:
    """Typed rows from the bytes of a CSV in UTF-8 with a header. Raises `UnreadableTable` for anything else."""
    from components import table

    text = _decoded(content, location)
    try:
        header = _header(contract, text, location)
        cells = pd.read_csv(io.StringIO(text), header=0, names=header, dtype=str, keep_default_na=False)
    except (csv.Error, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise UnreadableTable(f"{location}: is not a sound CSV file: {error}") from None
    if cells.empty:
        raise UnreadableTable(f"{location}: has a header but no rows")
    return table.typed(contract, cells)


def _decoded(content: bytes, location: str) -> str:
    if b"\0" in content:
        raise UnreadableTable(f"{location}: holds NUL bytes, so it is no text file; save the table as CSV in UTF-8")
    try:
        text = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableTable(
            f"{location}: line {line} is not UTF-8 (byte 0x{content[error.start]:02x}); save the table as CSV in UTF-8"
        ) from None
    if not text.strip():
        raise UnreadableTable(f"{location}: is empty; a table is a CSV file with a header and at least one row")
    return text


def _header(contract: Contract, text: str, location: str) -> list[str]:
    """The column names, after a look at every line: pandas would fill up, shift or cut a line of another length."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [name.strip() for name in next(lines)]
    if not set(contract.required_columns).intersection(header):
        first = text.splitlines()[0]
        for mark, name in _OTHER_SEPARATORS.items():
            if set(contract.required_columns).intersection(first.replace('"', "").split(mark)):
                raise UnreadableTable(f"{location}: its cells are separated by {name}; save it with commas")
        raise UnreadableTable(
            f"{location}: has none of the contract's columns, so it is no CSV of this table, or its header is missing;"
            f" its first line reads {first[:_LONGEST_SHOWN]!r}, and should name {', '.join(contract.required_columns)}"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise UnreadableTable(f"{location}: its header names {', '.join(map(repr, twice))} more than once; keep one")
    for cells in lines:
        if len(cells) != len(header):
            raise UnreadableTable(
                f"{location}: line {lines.line_num} has {len(cells)} cells, the header has {len(header)}; is a comma"
                " missing or too many, or was the file cut off?"
            )
    return header


def ingest_source(contract: Contract, source: Source, beside: Path) -> tuple[pd.DataFrame, str]:
    """Fetch and parse one source; returns its rows and the SHA-256 of its bytes."""
    content = fetch(source, beside)
    return parse(contract, content, source.location), hashlib.sha256(content).hexdigest()


@component
def ingest(
    contract_path: str,
    contract: dsl.Output[dsl.Artifact],
    table: dsl.Output[dsl.Dataset],
    external: dsl.Output[dsl.Dataset],
) -> str:
    """Fetches the contract's tables, checks their checksums and keeps them as Parquet.

    Args:
        contract_path: The contract; a relative path starts at the project's root.
        contract: The contract, as it was read.
        table: The training table.
        external: A directory with one table per external site.

    Returns:
        The SHA-256 of the training table's source.
    """
    from components.ingest import run

    return run(contract_path, contract, table, external)


def run(contract_path: str, contract: dsl.Artifact, table: dsl.Artifact, external: dsl.Artifact) -> str:
    """What the component does."""
    from components import table as tables
    from contract.document import load_contract

    path = PROJECT / contract_path
    rules = load_contract(path)
    shutil.copyfile(path, contract.path)
    frame, digest = ingest_source(rules, rules.training, path.parent)
    tables.write(frame, table.path)
    table.metadata.update(source=rules.training.location, sha256=digest, rows=len(frame), licence=rules.licence)
    folder = Path(external.path)
    folder.mkdir(parents=True)
    for name, source in rules.external.items():
        rows, site_digest = ingest_source(rules, source, path.parent)
        tables.write(rows, folder / f"{name}.parquet")
        external.metadata[name] = site_digest
    return digest
