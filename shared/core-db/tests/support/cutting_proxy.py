"""A connection that breaks at the worst moment: after COMMIT has reached the server, before its answer has come back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class CuttingProxy:
    """Hands on to a server, and cuts the connection that says a word once it is armed."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._server_port = port
        self._word: bytes | None = None
        self._handling: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def before(cls, port: int) -> AsyncIterator["CuttingProxy"]:
        proxy = cls(port)
        server = await asyncio.start_server(proxy._handle, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()
            for task in proxy._handling:
                task.cancel()
            await asyncio.gather(*proxy._handling, return_exceptions=True)

    def cut_after(self, word: bytes) -> None:
        self._word = word

    async def _handle(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        self._handling.add(asyncio.current_task())
        server, questions = await asyncio.open_connection("127.0.0.1", self._server_port)
        back = asyncio.create_task(self._hand_on(server, answers))
        self._handling.add(back)
        try:
            while data := await client.read(65_536):
                if self._word is not None and self._word in data:
                    self._word = None
                    back.cancel()
                    await asyncio.gather(back, return_exceptions=True)
                    questions.write(data)
                    await questions.drain()
                    await server.read(65_536)  # the server's answer: it has done it
                    return
                questions.write(data)
                await questions.drain()
        finally:
            back.cancel()
            questions.close()
            answers.transport.abort()

    async def _hand_on(self, server: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        while data := await server.read(65_536):
            answers.write(data)
            await answers.drain()
        answers.close()
