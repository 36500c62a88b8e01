"""Where Envoy asks: HTTP/1.1 on a Unix socket that only this user may open."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Final

from maestro_core_logging import get_logger

from ._counter import Counter
from ._question import MalformedQuestionError, Question, Reply

PREFIX: Final = "/take"
_MAX_HEAD_BYTES: Final = 128 * 1024
_LOGGER: Final = get_logger(__name__)


@asynccontextmanager
async def serving(counter: Counter, socket: Path) -> AsyncIterator[None]:
    """Answer questions while the block runs.

    Args:
        counter: Decides.
        socket: Path of the socket; at most about 100 characters.
    """
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        try:
            await _converse(counter, reader, writer)
        finally:
            conversations.discard(task)
            writer.close()

    mask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(converse, socket, limit=_MAX_HEAD_BYTES)
    finally:
        os.umask(mask)
    async with server:
        try:
            yield
        finally:
            for task in conversations:
                task.cancel()


async def _converse(counter: Counter, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            try:
                question = _read(head)
            except MalformedQuestionError as error:
                _LOGGER.error("A question about limits cannot be read", reason=str(error))
                writer.write(_bytes(Reply(500)))
                return
            writer.write(_bytes(await counter.ask(question)))
            await writer.drain()


def _read(head: bytes) -> Question:
    # The only one who speaks here is Envoy, which has parsed the request already and writes plain heads without bodies.
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[1].startswith(PREFIX):
        raise MalformedQuestionError(f"{first!r} asks for nothing that is here")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise MalformedQuestionError("a question has no body")
    return Question.read(words[1].removeprefix(PREFIX), headers)


def _bytes(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    lines.append(f"Content-Length: {len(reply.body)}\r\n\r\n")
    return "\r\n".join(lines).encode("latin-1", errors="replace") + reply.body
