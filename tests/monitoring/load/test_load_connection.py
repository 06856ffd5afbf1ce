"""What goes wrong on the wire becomes an answer in words, never an exception."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import gevent
import pytest
from gevent import monkey

import monitoring.load.command  # noqa: F401  # with everything that it needs
from monitoring.load.connection import Connection
from monitoring.load.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable

ASK = Request("valid", "v1 records", "POST", "/there", 200, b"{}", identity="a-1")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


@pytest.fixture
def server() -> Callable[[bytes | None], str]:
    """A server that sends the same bytes to one client and hangs up; or says nothing at all, for `None`."""

    def listen(content: bytes | None) -> str:
        listener = socket.create_server(("127.0.0.1", 0))

        def answer() -> None:
            with listener, listener.accept()[0] as peer:
                peer.recv(65536)
                if content is None:
                    peer.recv(65536)
                else:
                    peer.sendall(content)

        threading.Thread(target=answer, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    return listen


@pytest.mark.parametrize(
    ("content", "status", "error"),
    [
        (HEAD + b"hello", 200, ""),
        (b"", 0, "the server closed the connection before it answered"),
        (HEAD + b"he", 0, "the server broke off its answer, or it isn't HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-", 0, "the server broke off its answer, or it isn't HTTP"),
        (b"hello", 0, "the server broke off its answer, or it isn't HTTP"),
        (None, 0, "the server took too long"),
    ],
    ids=["whole", "nothing", "half a body", "half a head", "no HTTP", "silence"],
)
def test_an_answer_or_what_became_of_it(
    server: Callable[[bytes | None], str], content: bytes | None, status: int, error: str
) -> None:
    connection = Connection(server(content), 0.3)
    answer = connection.exchange(ASK)
    connection.close()
    gevent.sleep(0.01)
    assert (answer.status, answer.body) == (status, b"hello" if status else b"")
    assert answer.error.startswith(error)
    assert bool(answer.error) == bool(error)
    assert 0 < answer.seconds < 5


def test_nobody_there(free_port: Callable[[], int]) -> None:
    connection = Connection(f"http://127.0.0.1:{free_port()}", 1)
    assert connection.exchange(ASK).error == "Connection refused"
    connection.close()


def test_the_modules_leave_the_sockets_of_this_process_alone() -> None:
    assert not monkey.is_module_patched("socket")
