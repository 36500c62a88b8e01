"""The ends of a process: nothing that waits is lost where it can be helped, and a crash is a line."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final

from maestro_core_logging._options import Delivery
from maestro_core_logging._outlet import OUTLET
from maestro_core_logging._sinks import Sink

_LIBRARY: Final = "maestro_core_logging"


class _Endings:
    """What is done at the end, as it was configured last."""

    def __init__(self) -> None:
        self.timeout = 0.0
        self.is_registered = False

    def at_exit(self) -> None:
        if not OUTLET.finish(self.timeout):
            lines = OUTLET.sink.waiting
            _say(f"{lines} log lines could not be written within {self.timeout:g} s before the process ended")

    def on_sigterm(self, number: int, frame: FrameType | None) -> None:
        OUTLET.finish(self.timeout)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # whoever waits for the process sees what ended it


_ENDINGS: Final = _Endings()  # a process ends once


def install(delivery: Delivery) -> None:
    """Deliver what waits when the process ends, and log what ends it.

    `os._exit` and SIGKILL leave nothing to do; lines that wait then, because a pipe was full, are lost.

    Args:
        delivery: How long the end waits, and whether SIGTERM is taken.
    """
    _ENDINGS.timeout = delivery.exit_timeout.total_seconds()
    if not _ENDINGS.is_registered:
        _ENDINGS.is_registered = True
        atexit.register(_ENDINGS.at_exit)
    if not isinstance(sys.excepthook, _Crashes):
        sys.excepthook = _Crashes(sys.excepthook)
    if not isinstance(threading.excepthook, _ThreadCrashes):
        threading.excepthook = _ThreadCrashes(threading.excepthook)
    if (
        delivery.flush_on_sigterm
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, _ENDINGS.on_sigterm)


class _Crashes:
    """`sys.excepthook`: what ends the process is a line, with everything that lines are spared."""

    def __init__(self, previous: Callable[[type[BaseException], BaseException, TracebackType | None], object]) -> None:
        self._previous = previous

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        # Python's own hook prints what the line says; one that somebody else set has a purpose.
        if not _is_logged(error, {}) or self._previous is not sys.__excepthook__:
            self._previous(kind, error, trace)


class _ThreadCrashes:
    """`threading.excepthook`: the same for what ends a thread."""

    def __init__(self, previous: Callable[[threading.ExceptHookArgs], object]) -> None:
        self._previous = previous

    def __call__(self, args: threading.ExceptHookArgs) -> None:
        thread = {"thread": args.thread.name} if args.thread is not None else {}
        if not _is_logged(args.exc_value, thread) or self._previous is not threading.__excepthook__:
            self._previous(args)


def _is_logged(error: BaseException | None, fields: dict[str, Any]) -> bool:
    if not isinstance(error, Exception):  # Ctrl-C is no crash
        return False
    dropped = OUTLET.sink.dropped
    try:
        OUTLET.tell("critical", "Uncaught exception", "", {**fields, "exc_info": error})
    except Exception:  # noqa: BLE001 - then Python prints it
        return False
    return OUTLET.sink.dropped == dropped


def _say(text: str) -> None:
    Sink("stderr").write(f"{_LIBRARY}: {text}\n".encode(), "error")
