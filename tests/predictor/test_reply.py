"""Which coding a client takes."""

from __future__ import annotations

import json

import pytest

from predictor.reply import error_reply, takes_gzip


@pytest.mark.parametrize("accepted", [b"gzip", b"deflate, gzip;q=1.0, *;q=0.5", b"GZIP", b"x-gzip", b"gzip;q=0.1"])
def test_gzip_is_taken(accepted: bytes) -> None:
    assert takes_gzip(accepted)


@pytest.mark.parametrize(
    "accepted", [b"", b"identity", b"br, deflate", b"gzip;q=0", b"gzip; q=0.000", b"x-notgzip", b"\xff"]
)
def test_gzip_is_not_taken(accepted: bytes) -> None:
    assert not takes_gzip(accepted)


def test_an_error_is_json_with_its_headers() -> None:
    reply = error_reply(503, "later", (b"retry-after", b"1"))
    assert (reply.status, json.loads(reply.body), reply.headers) == (503, {"error": "later"}, ((b"retry-after", b"1"),))
