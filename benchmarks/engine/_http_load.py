"""A load generator that costs little: kept connections, each with one request under way, on one selector and no event loop."""

from __future__ import annotations

import json
import re
import selectors
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_PIECE = 65_536
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    """The HTTP status."""

    body: bytes
    """The whole body."""

    took_s: float
    """From sending the request to the last byte of the answer, in seconds."""

    def json(self) -> Any:
        """Return the body as JSON values."""
        return json.loads(self.body)


def request(method: str, path: str, token: str, body: Any = None) -> bytes:
    """Return a request as it goes over the wire.

    Args:
        method: The HTTP method.
        path: The path, with its query.
        token: The bearer token.
        body: JSON values; None sends no body.
    """
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
    if body is None:
        return f"{head}\r\n".encode()
    data = json.dumps(body, separators=(",", ":")).encode()
    return f"{head}content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data


def drive(port: int, requests: Iterable[bytes], *, at_once: int = 1) -> list[Answer]:
    """Send requests, so many at a time, the next on a connection as soon as it has the answer to the one before. Blocks.

    Args:
        port: A port on 127.0.0.1.
        requests: The requests, made by `request`.
        at_once: The number of connections.

    Returns:
        The answers in the order of the requests.

    Raises:
        ConnectionError: The server hung up, was silent for a minute, or sent what is no answer with a length.
    """
    waiting = enumerate(requests)
    answers: dict[int, Answer] = {}
    with selectors.DefaultSelector() as selector:
        connections = [_Connection(port) for _ in range(at_once)]
        try:
            for connection in connections:
                if connection.send_next(waiting):
                    selector.register(connection.socket, selectors.EVENT_READ, connection)
            while selector.get_map():
                ready = selector.select(_PATIENCE_S)
                if not ready:
                    raise ConnectionError(f"no answer within {_PATIENCE_S:.0f} s")
                for key, _ in ready:
                    connection = key.data
                    answer = connection.receive()
                    if answer is not None:
                        answers[connection.number] = answer
                        if not connection.send_next(waiting):
                            selector.unregister(connection.socket)
        finally:
            for connection in connections:
                connection.socket.close()
    return [answers[number] for number in range(len(answers))]


class _Connection:
    """One kept connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = -1
        self._received = b""
        self._sent_at = 0.0

    def send_next(self, waiting: Iterable[tuple[int, bytes]]) -> bool:
        """Send the next request; False when there is none."""
        for self.number, data in waiting:
            self._sent_at = time.perf_counter()
            self.socket.sendall(data)
            return True
        return False

    def receive(self) -> Answer | None:
        """Take what has arrived; None as long as the answer is not whole."""
        piece = self.socket.recv(_PIECE)
        if not piece:
            raise ConnectionError("the server hung up")
        self._received += piece
        end = self._received.find(b"\r\n\r\n") + 4
        if end < 4:
            return None
        length = _LENGTH.search(self._received, 0, end)
        if length is None:
            raise ConnectionError(f"not an answer with a length: {self._received[:end].decode('latin-1')}")
        whole = end + int(length[1])
        if len(self._received) < whole:
            return None
        answer = Answer(int(self._received[9:12]), self._received[end:whole], time.perf_counter() - self._sent_at)
        self._received = self._received[whole:]
        return answer
