"""The load generator of the benchmark over HTTP, against servers that are not what it wants."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from benchmarks.engine._http_load import drive, request


@contextmanager
def server(*pieces: bytes) -> Iterator[int]:
    """Answer each request of one connection with these pieces, then hang up; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                for piece in pieces:
                    connection.recv(65_536)
                    for number in range(0, len(piece), 7):
                        connection.sendall(piece[number : number + 7])

        thread = threading.Thread(target=answer)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join()


LOOK = request("GET", "/runs", "token")


def test_answers_are_put_together_and_kept_in_order() -> None:
    """Whatever pieces the answers arrive in, each belongs to its request, and the connection is kept for the next one."""
    answers = [b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body) for body in (b"[1]", b"{}")]
    with server(*answers) as port:
        found = drive(port, [LOOK, LOOK])
    assert [(answer.status, answer.json()) for answer in found] == [(202, [1]), (202, {})]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "hung up"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "hung up"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "not an answer with a length"),
    ],
)
def test_a_broken_answer_is_never_counted(answer: bytes, reason: str) -> None:
    """A server that hangs up, or does not say how long its answer is, ends the measurement with the reason."""
    with server(answer) as port, pytest.raises(ConnectionError, match=reason):
        drive(port, [LOOK])
