"""One request and what is known of its answer."""

import asyncio
import time
from typing import Any, Final

from opentelemetry import trace
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from ._request_info import RequestInfo

_SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    # A name that says nothing: without one, the server would put its own. It would tell a caller what to attack.
    (b"server", b"service"),
)
_SECURITY_NAMES: Final = frozenset(name for name, _ in _SECURITY_HEADERS)
_REPLACED: Final = frozenset({b"x-request-id", b"server"})
_WATCHED: Final = _SECURITY_NAMES | _REPLACED | {b"content-type", b"connection"}
_CLOSE: Final = (b"connection", b"close")


class Exchange(RequestInfo):
    """A request, and its answer on the way out.

    Args:
        scope: ASGI scope of the request.
        receive: The server's `receive`.
        send: The server's `send`.
        request_id: Id of the request.
        head: Headers of the request by name.
    """

    __slots__ = ("_send", "closing", "is_stream", "receive", "scope", "span", "task", "told")

    _send: Send
    closing: bool
    """Whether the answer says that the connection is closed after it."""
    is_stream: bool
    """Whether the answer is an event stream."""
    receive: Receive
    scope: Scope
    span: trace.Span
    """Span of the request; an invalid one for requests that are not traced."""
    task: asyncio.Task[Any] | None
    """What answers it."""
    told: asyncio.Future[None] | None
    """Done once its caller was told that its time is over; None while it is not. From then on the application's answer is dropped."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str, head: dict[bytes, bytes]) -> None:
        # Written out, because a call of the base class's initialiser would cost more than all of this.
        self.request_id = request_id
        self.principal = None
        self.error_code = None
        self.rule = None
        self.idempotency = None
        self.status = None
        self.body = None
        self.head = head
        self.route = None
        self.scope = scope
        self.receive = receive
        self._send = send
        self.span = trace.INVALID_SPAN
        self.task = None
        self.started_at = time.perf_counter()
        self.is_stream = False
        self.is_over = False
        self.closing = False
        self.told = None

    async def send(self, message: Message) -> None:
        """Pass on what the application answers.

        Args:
            message: ASGI message.
        """
        if self.told is not None:
            return
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._headers(message.get("headers", ()))
        elif self.status is None and kind == "websocket.accept":
            self.status = 101
        elif self.status is None and kind == "websocket.close":
            self.status = 403
        await self._send(message)

    async def answer(self, response: Response) -> None:
        """Answer in the application's place.

        Args:
            response: The answer.
        """

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                message["headers"] = self._headers(message["headers"])
            await self._send(message)

        await response(self.scope, self.receive, send)

    def end(self) -> None:
        """Let go of the request, which holds this object in its scope: a cycle for each request would wait for the collector."""
        self.scope = {}
        self.task = None

    def _headers(self, given: Any) -> list[tuple[bytes, bytes]]:
        headers = [(b"x-request-id", self.request_id.encode("latin-1"))]
        named: set[bytes] | None = None
        for header in given:
            name = header[0].lower()
            if name in _WATCHED:
                if name in _REPLACED:
                    continue
                if name == b"content-type":
                    if header[1].startswith(b"text/event-stream"):
                        self.is_stream = True
                else:
                    named = named or set()
                    named.add(name)
            headers.append(header)
        if named is None:
            headers += _SECURITY_HEADERS
        else:
            headers += [header for header in _SECURITY_HEADERS if header[0] not in named]
        # In HTTP/2 a connection is not closed by a header; the server says goodbye to it.
        if self.closing and (named is None or b"connection" not in named) and self.scope.get("http_version") != "2":
            headers.append(_CLOSE)
        return headers
