"""What no Python server can beat: uvicorn with uvloop and httptools, and an application that returns the body."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


async def echo(_: Scope, receive: Receive, send: Send) -> None:
    """Answer with what was sent."""
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message["body"])
        more = message["more_body"]
    body = b"".join(parts)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--http_port", type=int, required=True)
    options = parser.parse_args()
    uvicorn.run(
        echo,
        host="127.0.0.1",
        port=options.http_port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
