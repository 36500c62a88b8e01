"""Start the process that serves the model, keep it, stop it."""

import asyncio
import json
import secrets
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from intelligence_service.local_model import Order
from intelligence_service.local_model_file import model_file
from maestro_core_logging import get_logger

_LOG_TAIL_BYTES = 2_000
_KEY_BYTES = 24


class LocalModelError(Exception):
    """The process that serves the model does not start."""

    code = "LOCAL_MODEL_FAILED"


@dataclass(frozen=True, slots=True)
class ServedModel:
    """Where a running model answers."""

    base_url: str
    """OpenAI-compatible base URL, with `/v1`."""
    api_key: SecretStr
    name: str


class LocalModel:
    """The bundled model in a process of its own, so that its memory and its crashes are not the service's.

    An async context manager: nothing runs before the first `running()`, nothing is left after the end.

    Args:
        log_file: Where the engine's messages go; written anew at each start.
        context_tokens: Longest question and answer together, in tokens.
        threads: Processor threads that the engine uses.
        start_timeout: How long the start may take.
    """

    def __init__(
        self,
        *,
        log_file: Path,
        context_tokens: int = 4096,
        threads: int = 2,
        start_timeout: timedelta = timedelta(seconds=60),
    ) -> None:
        self._log_file = log_file
        self._context_tokens = context_tokens
        self._threads = threads
        self._start_timeout = start_timeout
        self._starting = asyncio.Lock()
        self._process: Process | None = None
        self._served: ServedModel | None = None
        self._logger = get_logger(__name__)

    @property
    def pid(self) -> int | None:
        """Process id while it runs; None when it does not."""
        return self._process.pid if self._alive and self._process is not None else None

    async def running(self) -> ServedModel:
        """Make sure that the model runs; one that died is started again.

        Returns:
            Where it answers.

        Raises:
            LocalModelMissingError: The optional parts are not installed.
            LocalModelError: It does not start; the message holds what the engine said last.
        """
        async with self._starting:
            if self._served is None or not self._alive:
                self._served = await self._start()
            return self._served

    async def stop(self) -> None:
        """Stop the process, when there is one."""
        async with self._starting:
            await self._stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def _alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _start(self) -> ServedModel:
        file = await asyncio.to_thread(model_file)
        order = Order(
            model_path=str(file),
            alias=file.stem,
            api_key=secrets.token_urlsafe(_KEY_BYTES),
            context_tokens=self._context_tokens,
            threads=self._threads,
        )
        await self._stop()
        self._process = await self._spawn()
        try:
            address = await asyncio.wait_for(_agree(self._process, order), self._start_timeout.total_seconds())
        except (TimeoutError, OSError, ValueError, LookupError) as error:
            await self._stop()
            raise LocalModelError(
                f"the local model does not start; {self._log_file} ends: {await self._last_words()}"
            ) from error
        except BaseException:
            # Cancelled in the middle: the process must not outlive the wish for it.
            self._process.kill()
            raise
        self._logger.info("Local model started", model=order.alias, address=address, pid=self._process.pid)
        return ServedModel(f"{address}/v1", SecretStr(order.api_key), order.alias)

    async def _spawn(self) -> Process:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("wb") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "intelligence_service.local_model", stdin=PIPE, stdout=PIPE, stderr=log
            )

    async def _stop(self) -> None:
        process, self._process, self._served = self._process, None, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
        await process.wait()

    async def _last_words(self) -> str:
        content = await asyncio.to_thread(self._log_file.read_bytes)
        return content[-_LOG_TAIL_BYTES:].decode(errors="replace").strip() or "(nothing was said)"


async def _agree(process: Process, order: Order) -> str:
    """Give the order and wait for the address."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(order.to_line())
    await process.stdin.drain()
    return str(json.loads(await process.stdout.readline())["address"])
