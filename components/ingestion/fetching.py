"""From a location to a file on this machine."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from components.errors import UnreadableTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS = 60
_BLOCK = 2**20


def is_remote(location: str) -> bool:
    """Whether a location is an address; otherwise it is a path."""
    return location.startswith(("http://", "https://", "s3://"))


def fetch(location: str, beside: Path, scratch: Path) -> Path:
    """A file with the content of a location: a path beside the contract, `http(s)://`, or `s3://`.

    What isn't here is copied into the folder `scratch`, a piece at a time. S3 takes its credentials from the
    environment; `s3://bucket/key?endpoint_override=host:port&scheme=http` names a store other than Amazon's.

    Raises `UnreadableTable` if it can't be had.
    """
    if not is_remote(location):
        return _file(location, beside)
    copy = scratch / f"{len(list(scratch.iterdir()))}"
    if location.startswith("s3://"):
        _copy_object(location, copy)
    else:
        _download(location, copy)
    return copy


def _file(location: str, beside: Path) -> Path:
    path = beside / location
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise UnreadableTable(
            f"{location}: can't be read: {error.strerror} ({path}). A location is a path beside the contract,"
            " an http(s):// address, or s3://bucket/key."
        ) from None


def _download(location: str, copy: Path) -> None:
    import requests

    try:
        with copy.open("wb") as file:
            for block in _blocks(location):
                file.write(block)
    except requests.HTTPError as error:
        answer = error.response
        reason = f"the server answers {answer.status_code} {answer.reason}; check the address"
    except requests.Timeout:
        reason = f"the server doesn't answer within {_SECONDS} seconds; try again later"
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        reason = "no server can be reached there, or it broke off; check the address and the network"
    except requests.RequestException as error:
        reason = str(error)
    else:
        return
    raise UnreadableTable(f"{location}: can't be fetched: {reason}")


def _blocks(location: str) -> Iterator[bytes]:
    import requests

    with requests.get(location, timeout=_SECONDS, stream=True) as answer:
        answer.raise_for_status()
        yield from answer.iter_content(_BLOCK)


def _copy_object(location: str, copy: Path) -> None:
    from pyarrow import ArrowException, fs

    try:
        filesystem, path = fs.FileSystem.from_uri(location)
        with filesystem.open_input_file(path) as file, copy.open("wb") as kept:
            shutil.copyfileobj(file, kept, _BLOCK)
    except (OSError, ArrowException) as error:
        raise UnreadableTable(
            f"{location}: can't be fetched: {error}. Check the bucket, the key, the endpoint and the credentials"
            " (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
        ) from None
