"""Reading a body as a JSON object, with errors that say where it isn't one."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import orjson

from contract.encoding import shown
from predictor.errors import MalformedRequest

_LARGE = 4096
_ESCAPED_COLON = re.compile(rb"\\u003a", re.IGNORECASE)


def load_object(body: bytes, example: str) -> dict[str, Any]:
    """Read strict JSON (RFC 8259: UTF-8, no NaN or Infinity), in which no object names a field twice.

    Raises `MalformedRequest` unless it is an object; `example` is shown to say what was expected.
    """
    if not body:
        raise MalformedRequest(f"the body is empty; send {example}")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(
            f"the body is no valid JSON: line {error.lineno}, column {error.colno}"
            " (JSON has no NaN or Infinity: send null for a missing value)"
        ) from None
    if not isinstance(content, dict):
        kind = {list: "a list", str: "text", type(None): "null", bool: "a boolean"}.get(type(content), "a number")
        raise MalformedRequest(f"the body is {kind}, not an object; send {example}")
    _refuse_duplicates(body, content)
    return content


def _refuse_duplicates(body: bytes, content: dict[str, Any]) -> None:
    """Raise `MalformedRequest` for a field named twice, of which `content` has only the last.

    Every field costs `body` a colon, so as many colons as fields read mean that none was lost. Three counts, each
    asked only where the one before is too low: the fields where requests have them, all colons of `content` written
    again (texts may have some too), and last the standard library's slow parser, which finds the name.
    """
    colons = _colons(body)
    if colons == len(content) or colons == _fields(content):
        return
    try:
        written = orjson.dumps(content)
    except orjson.JSONEncodeError:  # it writes fewer levels than it reads
        written = b""
    if colons == _colons(written) and not _ESCAPED_COLON.search(body):
        return
    try:
        json.loads(body.decode(), object_pairs_hook=_refuse_repeated)
    except RecursionError:
        raise MalformedRequest("the body is nested hundreds of levels deep; a request has only a few") from None


def _colons(text: bytes) -> int:
    if len(text) < _LARGE:
        return text.count(b":")
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord(":")))  # where there are many, faster by four


def _fields(content: dict[str, Any]) -> int:
    """The fields of `content` and of its lists of objects; never too many, whatever else it holds."""
    fields = len(content)
    for value in content.values():
        if type(value) is list and list(map(type, value)).count(dict) == len(value):
            fields += sum(map(len, value))
    return fields


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    names = set()
    for name, _ in pairs:
        if name in names:
            raise MalformedRequest(f"the field {shown(name)} stands more than once in one object; send it once")
        names.add(name)
