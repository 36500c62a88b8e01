"""One process and all that it starts: run within bounds, ended as a whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path


class OutputLimitError(Exception):
    """A process wrote more than it may."""


@dataclass(frozen=True)
class Finished:
    """A process that ended by itself."""

    code: int
    stdout: str
    stderr: str


class _Watch(asyncio.SubprocessProtocol):
    """Gathers what a process writes, and notes its end at once: asyncio's streams tell of it only when the pipes are closed."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._open = {1, 2}
        self.output = {1: bytearray(), 2: bytearray()}
        self.has_ended = asyncio.Event()
        self.has_said_all = asyncio.Event()
        self.may_stop = asyncio.Event()
        """Set when the process has ended, or wrote too much."""

    @property
    def wrote_too_much(self) -> bool:
        """Whether one of the outputs is longer than the limit."""
        return any(len(output) > self._limit_bytes for output in self.output.values())

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep a piece of an output, as far as it may be read."""
        if len(self.output[fd]) <= self._limit_bytes:
            self.output[fd] += data
            if self.wrote_too_much:
                self.may_stop.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note that an output is complete."""
        self._open.discard(fd)
        if not self._open:
            self.has_said_all.set()

    def process_exited(self) -> None:
        """Note the end of the process."""
        self.has_ended.set()
        self.may_stop.set()


class ProcessGroup:
    """A process that leads a group of its own.

    What the process leaves behind in its group when it ends is ended too. A descendant that leaves the group (`setsid`)
    is out of reach.
    """

    def __init__(self, transport: asyncio.SubprocessTransport, watch: _Watch, grace: timedelta) -> None:
        self._transport = transport
        self._watch = watch
        self._grace_s = grace.total_seconds()

    @classmethod
    async def started(
        cls,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        output_limit_bytes: int | None,
        grace: timedelta,
    ) -> ProcessGroup:
        """Start a process.

        Args:
            command: The program and its arguments.
            environment: Its whole environment.
            folder: Where it runs.
            output_limit_bytes: How much it may write to each output; None where that is thrown away.
            grace: How long it may clean up when it is stopped.

        Returns:
            The running process.

        Raises:
            OSError: The program cannot be started.
        """
        output = subprocess.DEVNULL if output_limit_bytes is None else subprocess.PIPE
        transport, watch = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Watch(output_limit_bytes or 0),
            *command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
        if output_limit_bytes is None:
            watch.has_said_all.set()
        return cls(transport, watch, grace)

    async def finish(self, stdin: str | None, limit: timedelta) -> Finished:
        """Wait for the end; whatever ends the waiting ends the whole group.

        Args:
            stdin: What the process reads; None for nothing.
            limit: How long it may take.

        Returns:
            How it ended, and what it wrote, read as UTF-8.

        Raises:
            TimeoutError: It took longer.
            OutputLimitError: It wrote more than it may.
        """
        watch = self._watch
        try:
            self._feed(stdin)
            async with asyncio.timeout(limit.total_seconds()):
                await watch.may_stop.wait()
        finally:
            await self.stop()
        if watch.wrote_too_much:
            raise OutputLimitError("it wrote more to one of its outputs than it may")
        code = self._transport.get_returncode()
        assert code is not None  # it has ended
        return Finished(code, *(bytes(watch.output[fd]).decode("utf-8", "replace") for fd in (1, 2)))

    async def stop(self) -> None:
        """End the process and its group: SIGTERM, and SIGKILL for what is left after the grace."""
        watch = self._watch
        try:
            if not watch.has_ended.is_set():
                self._signal(signal.SIGTERM)
                await _for_a_while(watch.has_ended, self._grace_s)
        finally:
            self._signal(signal.SIGKILL)
            try:
                await watch.has_ended.wait()
                # Whoever left the group may keep the outputs open for ever.
                await _for_a_while(watch.has_said_all, 0.0 if watch.wrote_too_much else self._grace_s)
            finally:
                self._transport.close()

    def _feed(self, stdin: str | None) -> None:
        pipe = self._transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)  # asked for above
        if stdin:
            pipe.write(stdin.encode("utf-8", "surrogatepass"))
        pipe.close()  # once what was written has been read

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left in the group
            os.killpg(self._transport.get_pid(), number)


async def _for_a_while(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
