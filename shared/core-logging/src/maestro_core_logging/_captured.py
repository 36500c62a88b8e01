"""Lines that a test looks at."""

from __future__ import annotations

import difflib
from typing import Any

_SHOWN_LINES = 20


class CapturedLogs(list[dict[str, Any]]):
    """Captured lines, each a dictionary with the keys of the JSON format.

    It is a list, so that a test may also count, slice and compare.
    """

    @property
    def events(self) -> list[str]:
        """What happened, line by line."""
        return [line["event"] for line in self]

    def find(self, event: str | None = None, /, **fields: Any) -> CapturedLogs:
        """Return the lines that fit.

        Args:
            event: What happened. Default: anything.
            **fields: Fields that lines must have, with equal values; `level` and `logger` are among them. A value that is `...`
                asks for the field with any value.

        Returns:
            Those lines; none when none fits.
        """
        return CapturedLogs(line for line in self if _fits(line, event, fields))

    def one(self, event: str | None = None, /, **fields: Any) -> dict[str, Any]:
        """Return the one line that fits.

        Args:
            event: What happened. Default: anything.
            **fields: See `find`.

        Returns:
            The line.

        Raises:
            AssertionError: No line fits, or several do; the message shows what was logged.
        """
        found = self.find(event, **fields)
        if len(found) != 1:
            raise AssertionError(self._explained(f"{len(found)} lines instead of one fit", event, fields))
        return found[0]

    def assert_logged(self, event: str, /, *, times: int | None = None, **fields: Any) -> None:
        """Fail unless an event was logged.

        Args:
            event: What happened.
            times: How often. Default: at least once.
            **fields: See `find`.

        Raises:
            AssertionError: It was not, or not so often; the message shows what was logged.
        """
        found = len(self.find(event, **fields))
        if (times is None and not found) or (times is not None and found != times):
            wanted = "at least one" if times is None else times
            raise AssertionError(self._explained(f"{found} lines instead of {wanted} fit", event, fields))

    def assert_not_logged(self, event: str | None = None, /, **fields: Any) -> None:
        """Fail when an event was logged.

        Args:
            event: What happened. Default: anything.
            **fields: See `find`; `level="error"` alone asks that no error was logged.

        Raises:
            AssertionError: It was; the message shows what was logged.
        """
        if found := len(self.find(event, **fields)):
            raise AssertionError(self._explained(f"{found} lines instead of none fit", event, fields))

    def _explained(self, count: str, event: str | None, fields: dict[str, Any]) -> str:
        wanted = [repr(event)] if event is not None else []
        wanted += [f"{key}={'anything' if value is ... else repr(value)}" for key, value in fields.items()]
        told = [f"{count} {' '.join(wanted) or 'anything'}"]
        if event is not None and event not in self.events:
            told += [f"the nearest event is {near!r}" for near in difflib.get_close_matches(event, self.events, 1)]
        for line in self.find(event) if event in self.events else ():
            told += [
                f"{event!r} has {key}={line[key]!r}" if key in line else f"{event!r} has no {key}"
                for key, value in fields.items()
                if not _has(line, key, value)
            ]
        told.append(f"{len(self)} lines were logged:" if self else "nothing was logged")
        told += [f"  {_shown(line)}" for line in self[:_SHOWN_LINES]]
        if len(self) > _SHOWN_LINES:
            told.append(f"  … and {len(self) - _SHOWN_LINES} more")
        return "\n".join(told)


def _fits(line: dict[str, Any], event: str | None, fields: dict[str, Any]) -> bool:
    return (event is None or line["event"] == event) and all(_has(line, key, value) for key, value in fields.items())


def _has(line: dict[str, Any], key: str, value: Any) -> bool:
    return key in line and (value is ... or bool(line[key] == value))


def _shown(line: dict[str, Any]) -> str:
    told = ("timestamp", "level", "logger", "event", "service", "environment", "version", "exception")
    fields = [f"{key}={value!r}" for key, value in line.items() if key not in told]
    if "exception" in line:
        fields.append(f"exception={line['exception']['type']}: {line['exception']['message']}")
    return " ".join([f"[{line['level']}]", line["event"], f"[{line['logger']}]", *fields])
