"""Which levels are written: of all loggers, of some, and for a while."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from weakref import WeakValueDictionary

from maestro_core_logging._levels import LEVELS, level_name

ROOT: Final = ""
_QUIET: Final = ("httpx", "httpx2", "httpcore", "httpcore2")
"""They tell of every request at info level; what our own client and server say of it is enough."""


class Gate:
    """The least severe level that loggers of one name write, as a number. Loggers look at it before they do anything."""

    __slots__ = ("__weakref__", "threshold")

    def __init__(self, threshold: int) -> None:
        self.threshold = threshold


@dataclass(frozen=True, slots=True)
class _Temporary:
    number: int
    ends: float  # on the monotonic clock, in seconds
    timer: threading.Timer


class LevelTable:
    """Levels by logger name. A name holds for the loggers below it, and the longest name wins.

    The standard library's loggers follow, so that one name means one level whoever logs.

    Args:
        tell: Called when a level fell back: with the logger's name, the level it had and the one it has.
    """

    def __init__(self, tell: Callable[[str, str, str], None]) -> None:
        self._tell = tell
        self._configured: dict[str, int] = {ROOT: LEVELS["INFO"]}
        self._changed: dict[str, int] = {}
        self._temporary: dict[str, _Temporary] = {}
        self._before: dict[str, int] = {}  # levels of the standard library's loggers, to be put back
        self._gates: WeakValueDictionary[str, Gate] = WeakValueDictionary()
        self._open = 0
        self._leads = False  # whether the standard library's loggers follow: from `configure_logging` on
        self._lock = threading.RLock()

    def gate(self, name: str) -> Gate:
        """Return the gate of a name; one name has one gate while somebody holds it."""
        with self._lock:
            gate = self._gates.get(name)
            if gate is None:
                gate = self._gates[name] = Gate(self._threshold(name, self._levels()))
            return gate

    def configure(self, levels: Mapping[str, int]) -> None:
        """Forget all levels and take these.

        Args:
            levels: Numbers by name, with that of the root.
        """
        with self._lock:
            for temporary in self._temporary.values():
                temporary.timer.cancel()
            self._configured = dict(levels)
            self._changed, self._temporary = {}, {}
            self._leads = True
            self._apply()

    def change(self, name: str, number: int, for_: timedelta | None) -> None:
        """Change the level of a name.

        Args:
            name: A logger's name; "" for all loggers that have none of their own.
            number: The level.
            for_: How long it holds; then, what held before does again. Default: until it is changed again.
        """
        with self._lock:
            self._end(name)
            if for_ is None:
                self._changed[name] = number
            else:
                self._begin(name, number, for_.total_seconds())
            self._apply()

    def reset(self, name: str) -> None:
        """Take the level of a name as it was configured."""
        with self._lock:
            self._end(name)
            self._changed.pop(name, None)
            self._apply()

    def names(self) -> dict[str, str]:
        """Return the levels in force, in upper case, by name: ours, and those that the standard library's loggers have."""
        with self._lock:
            found = {
                name: level_name(logger.level).upper()
                for name, logger in list(logging.Logger.manager.loggerDict.items())
                if isinstance(logger, logging.Logger) and logger.level != logging.NOTSET
            }
            ours = {name: level_name(number).upper() for name, number in self._levels().items()}
            return dict(sorted((found | ours).items()))

    def open(self) -> None:
        """Let every level of our loggers through, for those who collect lines; may be called several times."""
        with self._lock:
            self._open += 1
            self._apply()

    def close(self) -> None:
        """End one `open`."""
        with self._lock:
            self._open -= 1
            self._apply()

    def renew(self) -> None:
        """Go on in a forked child: locks may be held by threads, and timers be threads, that are not there."""
        self._lock = threading.RLock()
        temporary, self._temporary = self._temporary, {}
        for name, each in temporary.items():
            self._begin(name, each.number, max(each.ends - time.monotonic(), 0.0))

    def _levels(self) -> dict[str, int]:
        return self._configured | self._changed | {name: each.number for name, each in self._temporary.items()}

    def _begin(self, name: str, number: int, seconds: float) -> None:
        timer = threading.Timer(seconds, lambda: self._fall_back(name, timer))
        timer.daemon = True
        timer.name = "maestro-log-level"
        self._temporary[name] = _Temporary(number, time.monotonic() + seconds, timer)
        timer.start()

    def _end(self, name: str) -> None:
        if (temporary := self._temporary.pop(name, None)) is not None:
            temporary.timer.cancel()

    def _fall_back(self, name: str, timer: threading.Timer) -> None:
        with self._lock:
            temporary = self._temporary.get(name)
            if temporary is None or temporary.timer is not timer:  # changed meanwhile
                return
            del self._temporary[name]
            self._apply()
            now = self._threshold(name, self._levels())
        self._tell(name, level_name(temporary.number).upper(), level_name(now).upper())

    def _apply(self) -> None:
        levels = self._levels()
        for name, gate in list(self._gates.items()):
            gate.threshold = self._threshold(name, levels)
        if self._leads:
            self._apply_to_standard_library(levels)

    def _threshold(self, name: str, levels: Mapping[str, int]) -> int:
        if self._open:
            return 0
        while name:
            if name in levels:
                return levels[name]
            name = name.rpartition(".")[0]
        return levels[ROOT]

    def _apply_to_standard_library(self, levels: Mapping[str, int]) -> None:
        for name in [name for name in self._before if name not in levels]:
            logging.getLogger(name).setLevel(self._before.pop(name))
        for name, number in levels.items():
            logger = logging.getLogger(name or None)
            if name:
                self._before.setdefault(name, logger.level)
            logger.setLevel(number)
        for name in _QUIET:
            logger = logging.getLogger(name)
            # Another level was set by somebody who meant it.
            if name not in levels and logger.level in (logging.NOTSET, logging.WARNING):
                logger.setLevel(logging.WARNING if levels[ROOT] > logging.DEBUG else logging.NOTSET)
