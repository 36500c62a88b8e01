"""Several workers on one socket: started, watched, replaced and stopped by a parent that serves nothing itself."""

import os
import selectors
import signal
import socket
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from maestro_core_logging import log_context

from ._worker import Worker

if TYPE_CHECKING:
    from ._app import MaestroAPI

Serve = Callable[["MaestroAPI", socket.socket], int]

EXIT_SOFTWARE: Final = 70
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 30.0
_STEADY_S: Final = 60.0
"""A worker that has run so long is no part of a series of crashes."""
_KILL_MARGIN_S: Final = 10.0


def supervise(app: "MaestroAPI", listener: socket.socket, count: int, serve: Serve) -> int:
    """Serve with several workers until SIGTERM or SIGINT; SIGHUP replaces one worker after another. Blocks.

    Args:
        app: The application, built; the workers are forks of this process.
        listener: The listening socket, which all workers share.
        count: How many workers.
        serve: What a worker does; its exit status.

    Returns:
        0 after a graceful stop; 70 when the application did not start. In a worker, its own exit status, as SystemExit.
    """
    if threading.active_count() > 1:
        names = ", ".join(sorted(thread.name for thread in threading.enumerate()))
        app.logger.warning("Workers are forked from a process with threads, which they will not have", threads=names)
    supervisor = _Supervisor(app, listener, count, serve)
    try:
        return supervisor.run()
    finally:
        supervisor.close()


@dataclass
class _Process:
    number: int
    pid: int
    ready_pipe: int
    started_at: float
    is_ready: bool = False
    is_leaving: bool = False


class _Supervisor:
    def __init__(self, app: "MaestroAPI", listener: socket.socket, count: int, serve: Serve) -> None:
        self._app, self._listener, self._serve = app, listener, serve
        self._numbers = range(1, count + 1)
        self._pid = os.getpid()
        self._processes: dict[int, _Process] = {}
        self._failures = dict.fromkeys(self._numbers, 0)
        self._restarts: dict[int, float] = {}
        self._to_replace: deque[int] = deque()
        self._replacement: _Process | None = None
        self._was_ready = False
        self._stop_asked = 0
        self._kill_at: float | None = None
        self._code = 0
        self._instance_id = uuid.uuid4().hex
        self._turn = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the workers are
        self._lifeline, self._lifeline_end = os.pipe()
        self._wake, self._wake_end = socket.socketpair()
        self._wake.setblocking(False)
        self._wake_end.setblocking(False)
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        for each in _SIGNALS:
            signal.signal(each, _noted)
        signal.set_wakeup_fd(self._wake_end.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wake, selectors.EVENT_READ)
        for worker in self._numbers:
            self._start(worker)
        while self._processes or self._restarts:
            answers = [key.fd for key, _ in self._selector.select(self._patience_s())]
            for number in self._signals():
                self._on_signal(number)
            self._note_ready(answers)
            self._reap()
            self._go_on()
        self._app.logger.info("All workers have ended")
        return self._code

    def close(self) -> None:
        """Give back what the parent holds; a worker has given it back at its start."""
        if os.getpid() != self._pid:
            return
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        self._selector.close()
        self._wake.close()
        self._wake_end.close()
        self._turn.close()
        os.close(self._lifeline)
        os.close(self._lifeline_end)

    def _start(self, number: int) -> _Process:
        ready, ready_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            raise SystemExit(self._work(number, ready_end))
        os.close(ready_end)
        process = self._processes[pid] = _Process(number, pid, ready, time.monotonic())
        self._selector.register(ready, selectors.EVENT_READ)
        return process

    def _work(self, number: int, ready: int) -> int:
        signal.set_wakeup_fd(-1)
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        # The terminal's Ctrl-C reaches every process; the parent passes it on, once.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._selector.close()
        self._wake.close()
        self._wake_end.close()
        os.close(self._lifeline_end)
        for process in self._processes.values():
            os.close(process.ready_pipe)
        app = self._app
        app.worker = Worker(number, self._instance_id, self._lifeline, ready, self._turn)
        config = app.config
        app.worker.hold_on((config.shutdown_delay + config.shutdown_grace).total_seconds())
        with log_context(worker=number, pid=os.getpid()):
            return self._serve(app, self._listener)

    def _signals(self) -> Iterator[int]:
        with suppress(BlockingIOError):
            yield from self._wake.recv(4_096)

    def _on_signal(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stop()
        elif number == signal.SIGHUP and not self._stop_asked and not self._to_replace and self._replacement is None:
            self._app.logger.info("Replacing the workers, one after another")
            self._to_replace.extend(self._numbers)

    def _stop(self, code: int = 0) -> None:
        if not self._stop_asked:
            config = self._app.config
            self._app.logger.info("Stopping the workers", workers=len(self._processes))
            allowed = config.shutdown_delay + config.shutdown_grace
            self._kill_at = time.monotonic() + allowed.total_seconds() + _KILL_MARGIN_S
            self._code = code
            self._restarts.clear()
            self._to_replace.clear()
        self._stop_asked += 1
        for process in self._processes.values():
            self._end(process)

    def _end(self, process: _Process, number: signal.Signals = signal.SIGTERM) -> None:
        process.is_leaving = True
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)

    def _note_ready(self, pipes: list[int]) -> None:
        for process in self._processes.values():
            if process.ready_pipe in pipes:
                self._selector.unregister(process.ready_pipe)
                process.is_ready = os.read(process.ready_pipe, 1) == b"."
                self._was_ready = self._was_ready or process.is_ready

    def _reap(self) -> None:
        for process in list(self._processes.values()):
            pid, status = os.waitpid(process.pid, os.WNOHANG)
            if pid:
                self._forget(process)
                self._on_end(process, os.waitstatus_to_exitcode(status))

    def _forget(self, process: _Process) -> None:
        del self._processes[process.pid]
        with suppress(KeyError):
            self._selector.unregister(process.ready_pipe)
        os.close(process.ready_pipe)

    def _on_end(self, process: _Process, code: int) -> None:
        if process is self._replacement:
            self._replacement = None
            self._to_replace.clear()
            self._app.logger.error("A new worker did not start; the old ones go on", worker=process.number, code=code)
            return
        if process.is_leaving or self._stop_asked:
            return
        if code == EXIT_SOFTWARE and not self._was_ready:
            # It said why, and so will each of the others.
            self._stop(EXIT_SOFTWARE)
            return
        if any(other.number == process.number for other in self._processes.values()):
            return
        steady = time.monotonic() - process.started_at > _STEADY_S
        failures = self._failures[process.number] = 0 if steady else self._failures[process.number] + 1
        pause_s = min(_FIRST_PAUSE_S * 2 ** max(0, failures - 1), _LONGEST_PAUSE_S)
        self._restarts[process.number] = time.monotonic() + pause_s
        ended_by = {"signal": signal.Signals(-code).name} if code < 0 else {"code": code}
        self._app.logger.error(
            "A worker ended by itself and is started again",
            worker=process.number, ended_pid=process.pid, restart_in_s=pause_s, **ended_by,
        )  # fmt: skip

    def _go_on(self) -> None:
        now = time.monotonic()
        if self._kill_at is not None and now >= self._kill_at:
            self._app.logger.error("Workers did not stop in time and are killed", workers=len(self._processes))
            for process in self._processes.values():
                self._end(process, signal.SIGKILL)
            self._kill_at = None
        for number in [number for number, due in self._restarts.items() if due <= now]:
            del self._restarts[number]
            self._start(number)
        if self._replacement is not None and self._replacement.is_ready:
            for process in self._processes.values():
                if process.number == self._replacement.number and process is not self._replacement:
                    self._end(process)
            self._replacement = None
        leaving = any(process.is_leaving for process in self._processes.values())
        if self._to_replace and self._replacement is None and not leaving:
            self._replacement = self._start(self._to_replace.popleft())

    def _patience_s(self) -> float | None:
        due = [*self._restarts.values()]
        if self._kill_at is not None:
            due.append(self._kill_at)
        return max(0.0, min(due) - time.monotonic()) if due else None


def _noted(number: int, frame: object) -> None:
    """Do nothing: the number is in the wake-up socket already."""
