"""One kept-alive HTTP connection, whose failures are answers too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError

from monitoring.load.request import Answer

if TYPE_CHECKING:
    from monitoring.load.request import Request


class Connection:
    """What a client holds: Locust's fast client without cookies and redirects, so that each answer is seen as it is.

    `seconds` is how long it waits to be connected, and then for each part of an answer. A connection that the server
    closed while it was idle is opened again.
    """

    def __init__(self, host: str, seconds: float) -> None:
        self._client = HTTPClient.from_url(host, connection_timeout=seconds, network_timeout=seconds)

    def exchange(self, request: Request) -> Answer:
        """Send a request and wait for the whole answer. Never raises because of what the other side does."""
        started = time.perf_counter()
        try:
            response = self._client.request(request.method, request.path, request.body, request.headers)
            body = bytes(response.read())
        except (OSError, HTTPParseError) as error:
            return Answer(0, seconds=time.perf_counter() - started, error=_words(error))
        return Answer(response.status_code, body, time.perf_counter() - started)

    def close(self) -> None:
        """Close it."""
        self._client.close()


def _words(error: OSError | HTTPParseError) -> str:
    match error:
        case HTTPConnectionClosed():
            return "the server closed the connection before it answered"
        case HTTPParseError():
            return f"the server broke off its answer, or it isn't HTTP ({error})"
        case TimeoutError():
            return "the server took too long"
        case OSError():
            return error.strerror or str(error)
