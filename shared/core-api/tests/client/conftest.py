import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from maestro_core_api import issue_token

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    """A socket that answers as it is told, byte for byte.

    Args:
        answers: One for each request, the last one for all others; bytes are sent and the connection is closed.
    """

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.url = ""

    @property
    def count(self) -> int:
        """How many requests came."""
        return len(self.requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            await reader.readexactly(int(headers.get("content-length", 0)))
            self.requests.append((head[0], headers))
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if callable(answer):
                await answer(writer)
            else:
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def raw() -> AsyncIterator[Callable[..., Awaitable[RawServer]]]:
    """Start raw servers."""
    started: list[tuple[asyncio.Server, set[asyncio.Task[Any]]]] = []

    async def start(*answers: Answer) -> RawServer:
        server, tasks = RawServer(*answers), set[asyncio.Task[Any]]()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            await server.serve(reader, writer)

        listening = await asyncio.start_server(connected, "127.0.0.1", 0)
        started.append((listening, tasks))
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        return server

    yield start
    for listening, tasks in started:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def token(secret: str) -> str:
    """An admin's token."""
    return issue_token(secret, subject="ada", roles=["admin"])


@pytest.fixture
def answer() -> Callable[..., bytes]:
    """Write an answer."""

    def write(status: int = 200, body: str = "{}", **headers: Any) -> bytes:
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join([f"HTTP/1.1 {status} X", f"content-length: {len(body)}", "connection: close", *lines])
        return f"{head}\r\n\r\n{body}".encode()

    return write
