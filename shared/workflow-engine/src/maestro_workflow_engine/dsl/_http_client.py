"""The HTTP caller that is used when no other is given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Self

import httpx2

from maestro_workflow_engine._certificates import trusted_certificates
from maestro_workflow_engine.dsl._http import HttpCallError, HttpRequest, HttpResponse


class HttpxCaller:
    """Performs requests with httpx2.

    Entered (`async with HttpxCaller() as caller`) it keeps connections open between calls; not entered, every call
    opens its own.
    """

    def __init__(
        self, *, timeout: timedelta = timedelta(seconds=60), transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        """Configure the caller; nothing is opened yet.

        Args:
            timeout: How long to wait for the connection and between two pieces of the answer.
            transport: What carries the requests. Default: the network.
        """
        self._timeout = timeout
        self._transport = transport
        self._client: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._client = await self._new_client().__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def call(self, request: HttpRequest) -> HttpResponse:
        """Send a request; see `HttpCaller.call`."""
        if self._client is not None:
            return await self._send(self._client, request)
        async with self._new_client() as client:
            return await self._send(client, request)

    @asynccontextmanager
    async def stream(self, request: HttpRequest) -> AsyncIterator[HttpxStreamedResponse]:
        """Send a request and read the response as it comes; see `HttpStreamer.stream`. There is no limit between two pieces."""
        async with AsyncExitStack() as stack:
            client = self._client
            if client is None:
                client = await stack.enter_async_context(self._new_client())
            try:
                response = await stack.enter_async_context(
                    client.stream(
                        request.method,
                        request.url,
                        headers=dict(request.headers),
                        content=request.content or None,
                        follow_redirects=request.follow_redirects,
                        timeout=httpx2.Timeout(self._timeout.total_seconds(), read=None),
                    )
                )
                yield HttpxStreamedResponse(response)
            except (httpx2.RequestError, httpx2.InvalidURL) as error:
                raise HttpCallError(f"{type(error).__name__}: {error}") from error

    def _new_client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            timeout=self._timeout.total_seconds(), transport=self._transport, verify=trusted_certificates()
        )

    @staticmethod
    async def _send(client: httpx2.AsyncClient, request: HttpRequest) -> HttpResponse:
        if request.url.startswith("service://"):
            raise HttpCallError(f"{request.url} needs a caller that can find services; this one knows only addresses")
        try:
            response = await client.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.content or None,
                follow_redirects=request.follow_redirects,
            )
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            raise HttpCallError(f"{type(error).__name__}: {error}") from error
        return HttpResponse(response.status_code, dict(response.headers), response.content, response.reason_phrase)


class HttpxStreamedResponse:
    """A response of httpx2 that is read as it comes."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    @property
    def status(self) -> int:
        """The status."""
        return self._response.status_code

    def header(self, name: str) -> str | None:
        """Return a header; None when it is absent."""
        return self._response.headers.get(name)

    def text(self) -> AsyncIterator[str]:
        """Read the content as text, piece by piece."""
        return self._response.aiter_text()

    async def read(self) -> HttpResponse:
        """Read what is left of the content, and return the whole response."""
        content = await self._response.aread()
        return HttpResponse(self.status, dict(self._response.headers), content, self._response.reason_phrase)
