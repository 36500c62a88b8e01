"""One service under supervision: started, watched, started again, ended."""

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from maestro_cli._errors import HomeError, MaestroCliError, StartFailedError

from ._log_tail import tail
from ._options import SupervisorOptions
from ._process import end, log_size, process_started, spawn
from ._readiness import ReadinessProbe
from ._state import ServicePhase, ServiceState

_TAIL_LINES: Final = 20


class SupervisedService:
    """A service's process and what is known about it.

    Args:
        command: The words that start its process, the first an absolute path.
        state: What is known before its first start: name, port, address, log.
        environ: The environment of its process.
        options: Time limits.
        hurry: Set when ending must not wait any longer.
        changed: Called after every change of `state`.
        stop_signal: What asks the process to end.

    Attributes:
        state: What is known now.
    """

    def __init__(
        self,
        command: Sequence[str],
        state: ServiceState,
        environ: Mapping[str, str],
        *,
        options: SupervisorOptions,
        hurry: asyncio.Event,
        changed: Callable[[], None],
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.state = state
        self._command = tuple(command)
        self._environ = environ
        self._options = options
        self._hurry = hurry
        self._changed = changed
        self._stop_signal = stop_signal
        self._process: asyncio.subprocess.Process | None = None
        self._restart_asked = asyncio.Event()
        self._log_start = 0

    async def start(self) -> None:
        """Start the process and wait until it is ready.

        Raises:
            StartFailedError: It ended, or was not ready in time; then it has been ended.
            HomeError: Its log cannot be written.
        """
        self._log_start = log_size(self.state.log_file)
        process = self._process = await spawn(self._command, self._environ, self.state.log_file)
        self._set(
            phase=ServicePhase.STARTING,
            pid=process.pid,
            process_started=process_started(process.pid),
            started_at=datetime.now(UTC),
            retry_in_s=None,
        )
        probe = ReadinessProbe(self.state.asked_url)
        ready = asyncio.create_task(probe.until_ready())
        ended = asyncio.create_task(process.wait())
        limit = self._options.ready_timeout
        try:
            await asyncio.wait({ready, ended}, timeout=limit.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            ended.cancel()
        if process.returncode is not None:
            raise await self._failed(process, f"it ended with {describe_exit(process.returncode)}")
        if not ready.done() or ready.cancelled():
            reason = f"it was not ready within {limit.total_seconds():g} s; its last answer: {probe.last_answer}"
            raise await self._failed(process, reason)
        self._set(phase=ServicePhase.READY)

    async def keep(self) -> None:
        """Start it again whenever it ends or a restart is asked for; runs until it is cancelled."""
        crashes = 0
        policy = self._options.restart
        while True:
            exit_code = await self._until_ended_or_asked()
            if self._restart_asked.is_set():
                self._restart_asked.clear()
                await self.stop()
                crashes = 0
            else:
                crashes = policy.crashes(crashes, self._ran())
                pause = policy.pause(crashes)
                self._set(
                    phase=ServicePhase.BACKING_OFF,
                    pid=None,
                    process_started=None,
                    last_exit=exit_code,
                    restarts=self.state.restarts + 1,
                    retry_in_s=pause.total_seconds(),
                )
                await self._pause(pause.total_seconds())
            try:
                await self.start()
            except MaestroCliError as error:
                # The next turn of the loop finds it ended and waits longer.
                if isinstance(error, HomeError):
                    self._process = None

    def ask_restart(self) -> None:
        """Have `keep` end the process and start it again at once."""
        self._restart_asked.set()

    async def stop(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if self.state.phase is ServicePhase.FAILED:
            return
        if process is None:
            self._set(phase=ServicePhase.STOPPED)
            return
        self._set(phase=ServicePhase.STOPPING)
        exit_code = await self._end(process)
        self._set(phase=ServicePhase.STOPPED, pid=None, process_started=None, last_exit=exit_code)

    async def _until_ended_or_asked(self) -> int | None:
        asked = asyncio.create_task(self._restart_asked.wait())
        try:
            if self._process is None:
                return None
            ended = asyncio.create_task(self._process.wait())
            await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            if self._process.returncode is None:
                return None
            # What the dead process had started must not keep its port or its files.
            return await self._end(self._process)
        finally:
            asked.cancel()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._restart_asked.wait(), seconds)
        except TimeoutError:
            return
        self._restart_asked.clear()

    async def _failed(self, process: asyncio.subprocess.Process, reason: str) -> StartFailedError:
        exit_code = process.returncode
        ended_with = await self._end(process)
        self._set(phase=ServicePhase.FAILED, pid=None, process_started=None, last_exit=ended_with)
        return StartFailedError(
            self.state.name,
            reason,
            process_exit_code=exit_code,
            log_file=self.state.log_file,
            log_tail=tail(self.state.log_file, _TAIL_LINES, start=self._log_start),
        )

    async def _end(self, process: asyncio.subprocess.Process) -> int:
        return await end(process, grace=self._options.grace, hurry=self._hurry, asked_by=self._stop_signal)

    def _ran(self) -> timedelta:
        started = self.state.started_at
        return timedelta(0) if started is None else datetime.now(UTC) - started

    def _set(self, **changes: object) -> None:
        self.state = self.state.model_copy(update=changes)
        self._changed()


def describe_exit(code: int) -> str:
    """Name what a process ended with.

    Args:
        code: Its exit code; negative: the signal that ended it.

    Returns:
        For example `exit code 1` or `signal SIGKILL`.
    """
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
