"""Entries that survive a restart, in two files that never hold more than twice what is needed.

The newer file grows until it holds `limit` rows; then it becomes the older one, and what was the older is gone. An
append is one write to the system's cache: a killed process loses nothing that was appended, a machine without power may
lose the last seconds.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import orjson

from predictor.errors import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

logger = logging.getLogger("predictor")


class Journal:
    """Entries, any JSON, in the order in which they were appended; `rows` says how many rows an entry stands for.

    Raises `InvalidSettings` if it can't be kept.
    """

    def __init__(self, path: Path, limit: int, rows: Callable[[Any], int]) -> None:
        self._newer = path.with_suffix(".jsonl")
        self._older = path.with_suffix(".older.jsonl")
        self._limit = limit
        self._count = rows
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _end_line(self._newer)
            self._rows = sum(map(rows, _entries(self._newer)))
            self._file = self._newer.open("ab", buffering=0)
        except OSError as error:
            raise InvalidSettings(
                f"--truth_path: {self._newer} can't be written: {error.strerror}; name a directory that is writable, or"
                " leave it out: labels are then matched until the predictor stops"
            ) from None

    def read(self) -> Iterator[Any]:
        """All entries that are kept, oldest first; a line that a crash cut off is passed over."""
        for path in (self._older, self._newer):
            yield from _entries(path)

    def append(self, entries: Sequence[Any]) -> None:
        """Keep entries. What a full or broken disk doesn't take is logged, and the predictor goes on without."""
        try:
            if self._rows >= self._limit:
                self._file.close()
                self._newer.replace(self._older)
                self._file, self._rows = self._newer.open("ab", buffering=0), 0
            self._file.write(b"".join(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE) for entry in entries))
            self._rows += sum(map(self._count, entries))
        except OSError as error:
            logger.error("%s can't be written: %s", self._newer, error.strerror)  # noqa: TRY400  # one line says it

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _entries(path: Path) -> Iterator[Any]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:
                logger.warning("%s: a line that was cut off is passed over", path)


def _end_line(path: Path) -> None:
    """What a crash cut off mustn't run into what comes next."""
    if path.exists() and path.read_bytes()[-1:] not in {b"", b"\n"}:
        with path.open("ab") as file:
            file.write(b"\n")
