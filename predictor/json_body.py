"""Reading a body as a JSON object, with errors that say where it isn't one."""

from __future__ import annotations

from typing import Any

import orjson

from predictor.errors import MalformedRequest


def load_object(body: bytes, example: str) -> dict[str, Any]:
    """Read strict JSON (RFC 8259: UTF-8, no NaN or Infinity).

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
    return content
