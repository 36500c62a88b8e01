"""The search attributes of a run as its code sees them, and the changes that are not on disk yet."""

from __future__ import annotations

from collections.abc import Mapping

from maestro_workflow_engine._attributes import MOST_ATTRIBUTES, Stored, applied, is_same, shown
from maestro_workflow_engine._errors import SearchAttributeError
from maestro_workflow_engine.machine._commands import RecordAttributes

_NONE: Mapping[str, Stored] = {}


class Attributes:
    """Changes count for the code at once; each is confirmed by the event that journals it, in order."""

    __slots__ = ("current", "unconfirmed")

    def __init__(self) -> None:
        self.current: Mapping[str, Stored] = _NONE
        self.unconfirmed: tuple[RecordAttributes, ...] = ()

    def begin(self, attributes: Mapping[str, Stored]) -> None:
        """Take what the run was started with."""
        self.current = attributes

    def set(self, wanted: Mapping[str, Stored | None]) -> RecordAttributes | None:
        """Change what differs.

        Returns:
            The command that journals it; None when nothing differs.

        Raises:
            SearchAttributeError: There would be too many.
        """
        changed = {name: value for name, value in wanted.items() if not is_same(self.current.get(name), value)}
        if not changed:
            return None
        after = applied(self.current, changed)
        if len(after) > MOST_ATTRIBUTES:
            new = next(name for name in after if name not in self.current)
            raise SearchAttributeError(new, f"a run has at most {MOST_ATTRIBUTES} attributes")
        self.current = after
        command = RecordAttributes(changed, after)
        self.unconfirmed += (command,)
        return command

    def confirm(self, changed: Mapping[str, Stored | None]) -> str | None:
        """Take note that a change is on disk.

        Returns:
            What the code did instead; None when it is the change that comes next.
        """
        if not self.unconfirmed:
            return "no such call"
        command, *rest = self.unconfirmed
        if not _are_same(command.changed, changed):
            return call_text(command.changed)
        self.unconfirmed = tuple(rest)
        return None


def call_text(changed: Mapping[str, Stored | None]) -> str:
    """Return a change as code has it, for messages."""
    values = shown({name: value for name, value in changed.items() if value is not None})
    return f"set_attributes({', '.join(f'{name}={values.get(name)!r}' for name in changed)})"


def _are_same(one: Mapping[str, Stored | None], other: Mapping[str, Stored | None]) -> bool:
    return one.keys() == other.keys() and all(is_same(value, other[name]) for name, value in one.items())
