"""jq programs with limits: they run in processes of their own, which are killed when one takes too long or too much."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any, Final

from .errors import MappingError

_PROGRAM: Final = Path(__file__).with_name("jq_worker.py")
_PLACE: Final = re.compile(r" at <top-level>, line \d+(?:, column \d+)?:?.*", re.DOTALL)
_START_S: Final = 30.0
_LINE_BYTES: Final = 64 * 1024 * 1024
_LOADS_FILES: Final = re.compile(r"\b(?:import|include|modulemeta)\b")


@dataclass(frozen=True, kw_only=True)
class JqLimits:
    """What the programs of one message may use."""

    time: timedelta = timedelta(seconds=2)
    """Time by the clock, and processor time in whole seconds. Default: 2 s."""
    memory_bytes: int = 256 * 1024 * 1024
    """Memory of a process. Default: 256 MiB."""
    result_characters: int = 1024 * 1024
    """How long one result may be as JSON. Default: 1 Mi."""
    processes: int = 2
    """How many there may be; they start when they are needed. Default: 2."""


class JqPool:
    """Processes that evaluate jq programs. Use `opened`.

    Args:
        limits: What the programs of one message may use.
    """

    def __init__(self, limits: JqLimits) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(limits.processes)
        self._idle: list[_Worker] = []

    @classmethod
    @asynccontextmanager
    async def opened(cls, limits: JqLimits | None = None) -> AsyncIterator["JqPool"]:
        """Hold the pool open while the block runs.

        Args:
            limits: What the programs of one message may use.

        Yields:
            The pool.
        """
        pool = cls(limits or JqLimits())
        try:
            yield pool
        finally:
            while pool._idle:
                await pool._idle.pop().close()

    async def check(self, programs: Mapping[str, str]) -> None:
        """Compile programs.

        Args:
            programs: By their names.

        Raises:
            MappingError: One is no jq program; the error names it.
        """
        for name, program in programs.items():
            if _LOADS_FILES.search(program):
                raise MappingError(name, "'import', 'include' and 'modulemeta' are not allowed: programs read no files")
            await self._ask({"programs": {name: program}}, name)

    async def evaluate(self, programs: Mapping[str, str], message: Any) -> dict[str, list[Any]]:
        """Run programs on a message.

        Args:
            programs: By their names; they run in this order, and the limits hold for all together.
            message: What they see, a JSON value.

        Returns:
            The first two results of each.

        Raises:
            MappingError: One failed, or took too long or too much.
        """
        request = {"programs": dict(programs), "text": json.dumps(message)}
        answer = await self._ask(request, " or ".join(programs))
        return {name: [json.loads(text) for text in texts] for name, texts in answer["results"].items()}

    async def _ask(self, request: dict[str, Any], about: str) -> dict[str, Any]:
        async with self._places:
            worker = self._idle.pop() if self._idle else await _Worker.start(self._limits)
            try:
                async with asyncio.timeout(self._limits.time.total_seconds()):
                    line = await worker.ask(json.dumps(request).encode())
            except TimeoutError:
                await worker.close()
                raise MappingError(
                    about, f"it ran for longer than {self._limits.time.total_seconds():g} s and was stopped"
                ) from None
            except BaseException:
                await worker.close()
                raise
            if line is None:
                raise MappingError(about, await worker.epitaph())
            self._idle.append(worker)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise MappingError(answer["name"], _tidy(answer["error"]))
        return answer


class _Worker:
    def __init__(self, process: asyncio.subprocess.Process, limits: JqLimits) -> None:
        self._process = process
        self._limits = limits

    @classmethod
    async def start(cls, limits: JqLimits) -> "_Worker":
        numbers = (ceil(limits.time.total_seconds()), limits.memory_bytes, limits.result_characters)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(_PROGRAM), *map(str, numbers),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            limit=_LINE_BYTES,
            start_new_session=True,  # Ctrl-C in a terminal is for the service, which then ends its processes
        )  # fmt: skip
        worker = cls(process, limits)
        try:
            # How long it takes to start is not held against the programs.
            async with asyncio.timeout(_START_S):
                await worker.ask(b'{"programs": {}}')
        except BaseException:
            await worker.close()
            raise
        return worker

    async def ask(self, request: bytes) -> bytes | None:
        """Send a request and return the answer; None when the process ended over it."""
        assert self._process.stdin is not None  # asked for above
        assert self._process.stdout is not None  # asked for above
        try:
            self._process.stdin.write(request + b"\n")
            await self._process.stdin.drain()
            line = await self._process.stdout.readline()
        except (BrokenPipeError, ConnectionResetError):
            line = b""
        if not line.endswith(b"\n"):
            return None
        return line

    async def epitaph(self) -> str:
        await self._process.wait()
        if self._process.returncode == -signal.SIGXCPU:
            return f"it ran for longer than {ceil(self._limits.time.total_seconds())} s and was stopped"
        return "it was stopped: it needs too much memory, or nests too deeply"

    async def close(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()


def _tidy(message: str) -> str:
    """Keep what jq says and drop where, which counts the line that is put in front."""
    found = [_PLACE.sub("", part).strip() for part in message.split("jq: error:") if part.strip()]
    return "; ".join(dict.fromkeys(part for part in found if part))[:500] or message[:500]
