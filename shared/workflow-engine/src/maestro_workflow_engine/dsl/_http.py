"""The seam between documents and the network: a request, a response, and what turns the one into the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from maestro_workflow_engine._errors import WorkflowError


@dataclass(frozen=True)
class HttpRequest:
    """An HTTP request, complete."""

    method: str
    """In capitals."""
    url: str
    """Absolute, query included; `service://name/path` where the caller knows how to find services."""
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    follow_redirects: bool = False
    """Whether the caller follows 3xx answers; where it does not, it returns them."""


@dataclass(frozen=True)
class HttpResponse:
    """An HTTP response, read to its end."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    reason: str = ""
    """The reason phrase, such as "Not Found"; empty when there is none."""


class HttpCallError(WorkflowError):
    """No response could be had: no connection, a broken one, or none in time."""

    code = "HTTP_CALL_FAILED"


class HttpCaller(Protocol):
    """Performs HTTP requests for documents."""

    async def call(self, request: HttpRequest) -> HttpResponse:
        """Send a request.

        Args:
            request: The request.

        Returns:
            The response, whatever its status.

        Raises:
            HttpCallError: There is no response.
        """


class StreamedResponse(Protocol):
    """A response whose content is read as it comes."""

    @property
    def status(self) -> int:
        """The status."""

    def header(self, name: str) -> str | None:
        """Return a header; None when it is absent."""

    def text(self) -> AsyncIterator[str]:
        """Read the content as text, piece by piece."""

    async def read(self) -> HttpResponse:
        """Read what is left of the content, and return the whole response."""


@runtime_checkable
class HttpStreamer(Protocol):
    """A caller that can also read a response as it comes. `HttpxCaller` is one."""

    def stream(self, request: HttpRequest) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send a request.

        Args:
            request: The request.

        Returns:
            A context manager that gives the response once its headers are there, and closes it.

        Raises:
            HttpCallError: There is no response, or it broke off while it was read.
        """
