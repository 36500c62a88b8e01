"""Server-sent events: reading the data of each (HTML standard, section 9.2.6)."""

from __future__ import annotations


class EventReader:
    """Takes text as it comes and gives the data of each event that is complete."""

    def __init__(self) -> None:
        self._rest = ""
        self._data: list[str] = []

    def feed(self, text: str, *, end: bool = False) -> list[str]:
        """Take more text.

        Args:
            text: The next piece.
            end: Whether it is the last. An event that has no blank line after it then counts too.

        Returns:
            The data of each event that ended.
        """
        *lines, self._rest = (self._rest + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if end:
            lines += [self._rest, ""]
            self._rest = ""
        found = []
        for line in lines:
            if not line:
                if self._data:
                    found.append("\n".join(self._data))
                self._data = []
            elif line.startswith("data:"):
                self._data.append(line[5:].removeprefix(" "))
        return found


def read_events(text: str) -> list[str]:
    """Return the data of each event in a whole text."""
    return EventReader().feed(text, end=True)
