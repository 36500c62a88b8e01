"""AsyncAPI over HTTP: messages are sent as requests; they come as events of a stream, as lines, or as one response each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from maestro_workflow_engine.dsl._http import HttpCallError, HttpRequest, HttpStreamer
from maestro_workflow_engine.dsl.calls._asyncapi_document import Target
from maestro_workflow_engine.dsl.calls._asyncapi_messages import inbound, outbound
from maestro_workflow_engine.dsl.calls._authorization import Credentials
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._exchange import exchange, header, refused
from maestro_workflow_engine.dsl.calls._server_sent import EventReader

_MOST_WAITING = 1000
_LINES = frozenset({"application/x-ndjson", "application/jsonl", "application/json-seq"})
_PAUSE_S = 1.0
"""Between two requests for messages where the server had none."""


async def publish(target: Target, message: Mapping[str, Any], shown: Credentials | None, context: CallContext) -> None:
    """Send a request; see `Transport.publish`."""
    headers, content = outbound(message, target)
    headers = {"content-type": target.content_type, **headers}
    request = HttpRequest((target.method or "POST").upper(), _url(target), headers, content)
    response = await exchange(request, shown, context)
    if not 200 <= response.status < 300:
        raise refused(request, response)


async def subscribe(target: Target, shown: Credentials | None, context: CallContext) -> Messages:
    """Ask for messages; see `Transport.subscribe`."""
    accept = f"text/event-stream, application/x-ndjson, {target.content_type}"
    headers = {"accept": accept}
    if shown is not None and shown.scheme != "Digest":
        headers["authorization"] = shown.header
    request = HttpRequest((target.method or "GET").upper(), _url(target), headers, follow_redirects=True)
    messages = Messages(target, request, shown, context)
    await messages.open()
    return messages


class Messages:
    """Messages from an address, read while nobody asks for them, up to a number that wait."""

    def __init__(self, target: Target, request: HttpRequest, shown: Credentials | None, context: CallContext) -> None:
        self._target, self._request, self._shown, self._context = target, request, shown, context
        self._waiting: asyncio.Queue[dict[str, Any] | CallFault] = asyncio.Queue(_MOST_WAITING)
        self._is_open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to read, and wait until the server has answered.

        Raises:
            CallFault: It did not, or refused.
        """
        self._reading = asyncio.create_task(self._read())
        try:
            await asyncio.shield(self._is_open)
        except BaseException:
            await self.close()
            raise

    async def receive(self) -> dict[str, Any]:
        """Wait for the next message; see `Subscription.receive`."""
        found = await self._waiting.get()
        if isinstance(found, CallFault):
            raise found
        return found

    async def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        caller = self._context.http
        try:
            while True:
                if isinstance(caller, HttpStreamer):
                    async with contextlib.aclosing(self._streamed(caller)) as contents:
                        count = await self._put_all(contents)
                else:
                    count = await self._put_all(self._polled())
                if not count:
                    await asyncio.sleep(_PAUSE_S)
        except (CallFault, HttpCallError) as error:
            url = self._request.url
            fault = error if isinstance(error, CallFault) else CallFault("communication", f"GET {url}: {error}")
            if self._is_open.done():
                await self._waiting.put(fault)
            else:
                self._is_open.set_exception(fault)

    async def _put_all(self, contents: AsyncIterator[bytes]) -> int:
        count = 0
        async for content in contents:
            await self._waiting.put(inbound(content, {}, self._target))
            count += 1
        return count

    def _opened(self) -> None:
        if not self._is_open.done():
            self._is_open.set_result(None)

    async def _streamed(self, caller: HttpStreamer) -> AsyncGenerator[bytes]:
        async with caller.stream(self._request) as response:
            if not 200 <= response.status < 300:
                raise refused(self._request, await response.read())
            self._opened()
            media = (response.header("content-type") or "").partition(";")[0].strip().lower()
            if media == "text/event-stream":
                reader = EventReader()
                async for text in response.text():
                    for data in reader.feed(text):
                        yield data.encode()
            elif media in _LINES:
                rest = ""
                async for text in response.text():
                    *lines, rest = (rest + text).split("\n")
                    for line in filter(None, map(str.strip, lines)):
                        yield line.encode()
                if rest.strip():
                    yield rest.strip().encode()
            elif content := (await response.read()).content:
                yield content

    async def _polled(self) -> AsyncIterator[bytes]:
        """Read whole responses, for a caller that cannot stream."""
        response = await exchange(self._request, self._shown, self._context)
        if not 200 <= response.status < 300:
            raise refused(self._request, response)
        self._opened()
        media = (header(response, "content-type") or "").partition(";")[0].strip().lower()
        text = response.content.decode("utf-8", "replace")
        if media == "text/event-stream":
            for data in EventReader().feed(text, end=True):
                yield data.encode()
        elif media in _LINES:
            for line in filter(None, map(str.strip, text.split("\n"))):
                yield line.encode()
        elif response.content:
            yield response.content


def _url(target: Target) -> str:
    return f"{target.url.rstrip('/')}/{quote(target.address.lstrip('/'), safe='/:@!$&()*+,;=~%?')}"
