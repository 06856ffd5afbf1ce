"""A file that appears under its name only when it is complete."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

import pyarrow as pa

from components.errors import UnwritableFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO


@contextlib.contextmanager
def replacement(path: Path) -> Iterator[BinaryIO]:
    """A file to write into; it takes the place of `path` at the end, and disappears if there is an error before.

    It lies beside `path`, under a hidden name that a later run uses again: even a run that was killed leaves nothing
    behind for long. Raises `UnwritableFile` if it can't be written, or if another run is writing it.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        if path.parent.exists() and not path.parent.is_dir():
            raise UnwritableFile(f"{path}: can't be written: {path.parent} is no directory")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise UnwritableFile(f"{path}: is a directory; name a file")
        file = os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
    except OSError as error:
        raise UnwritableFile(f"{path}: can't be written: {error.strerror}") from None
    with file:
        _claim(path, partial, file)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            partial.replace(path)
        except (OSError, pa.ArrowException) as error:
            partial.unlink(missing_ok=True)
            reason = getattr(error, "strerror", None) or error
            raise UnwritableFile(f"{path}: can't be written: {reason}") from None
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _claim(path: Path, partial: Path, file: BinaryIO) -> None:
    taken = UnwritableFile(f"{path}: another run is writing it; wait for that, or name another file")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise taken from None
    # The other may have ended in between, and then this is its finished file.
    if not partial.exists() or not os.path.samestat(os.fstat(file.fileno()), partial.stat()):
        raise taken
    file.truncate()
