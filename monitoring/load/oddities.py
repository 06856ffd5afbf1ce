"""What no client should send: wrong addresses, methods and media types, and bodies that aren't requests."""

from __future__ import annotations

from monitoring.load.forms import Form
from monitoring.load.request import Request

_ERROR = ('"error"',)
_UNKNOWN = "no-such-model"


def oddities(model: str, body: bytes) -> tuple[Request, ...]:
    """One request of each sort, for a model; `body` is a v1 request that the model answers, to be cut off."""
    predict, infer = Form.RECORDS.path(model), Form.MATRIX.path(model)

    def odd(name: str, status: int, method: str, path: str, content: bytes = b"", **further: str) -> Request:
        return Request("odd", name, method, path, status, content, words=_ERROR, **further)  # type: ignore[arg-type]

    return (
        odd("unknown route", 404, "GET", "/no/such/route"),
        odd("unknown model, v1", 404, "POST", Form.RECORDS.path(_UNKNOWN), body),
        odd("unknown model, v2", 404, "POST", Form.MATRIX.path(_UNKNOWN), b'{"inputs": []}'),
        odd("wrong method", 405, "GET", predict),
        odd("wrong media type", 415, "POST", predict, body, media_type="text/plain"),
        odd("empty body", 400, "POST", predict),
        odd("no JSON", 400, "POST", predict, b"age=63&sex=1"),
        odd("truncated JSON", 400, "POST", predict, body[: len(body) // 2]),
        odd("NaN in JSON", 400, "POST", predict, b'{"instances": [[NaN]]}'),
        odd("list for an object", 400, "POST", predict, b"[[63, 1]]"),
        odd("no instances", 400, "POST", predict, b'{"rows": [[63, 1]]}'),
        odd("zero instances", 400, "POST", predict, b'{"instances": []}'),
        odd("zero inputs", 400, "POST", infer, b'{"inputs": []}'),
    )
