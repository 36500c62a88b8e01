"""Where the values of a TOML text stand, which the standard library's parser does not tell."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
    "{3}(?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*"{3,5}      # a text over several lines
    | '{3}(?:[^']|'{1,2}(?!'))*'{3,5}               # the same, literally
    | "(?:[^"\\\n]|\\.)*" | '[^'\n]*'
    | \#[^\n]*
    | \n
    | [\[\]{}=,.]
    | [^\s\[\]{}=,.\#"']+
    """,
    re.VERBOSE,
)

_Keys = tuple[str, ...]


def lines(text: str) -> dict[_Keys, int]:
    """Return where each value stands.

    Args:
        text: A text that can be read.

    Returns:
        Line of the key (or of the list's item) by path, counted from 1. Positions in lists are texts.
    """
    return _Walk(text).run()


class _Walk:
    """One walk through a text, mark by mark."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, int]] = []
        line = 1
        for match in _TOKEN.finditer(text):
            if not match[0].startswith("#"):
                self._tokens.append((match[0], line))
            line += match[0].count("\n")
        self._next = 0
        self._found: dict[_Keys, int] = {}
        self._last_item: dict[_Keys, int] = {}  # of each array of tables

    def run(self) -> dict[_Keys, int]:
        table: _Keys = ()
        while self._next < len(self._tokens):
            mark, line = self._tokens[self._next]
            if mark == "\n":
                self._next += 1
            elif mark == "[":
                table = self._header(line)
            else:
                self._entry(table)
        return self._found

    def _header(self, line: int) -> _Keys:
        depth = 0
        while self._peek() == "[":
            depth += 1
            self._next += 1
        keys = self._keys("]")
        self._next += depth
        *outer, last = keys
        table: _Keys = ()
        for key in outer:
            table = self._inside((key,), table)
            self._found.setdefault(table, line)
        table = (*table, last)
        self._found.setdefault(table, line)
        if depth == 2:
            self._last_item[table] = self._last_item.get(table, -1) + 1
        table = self._inside((last,), table[:-1])
        self._found.setdefault(table, line)
        return table

    def _entry(self, table: _Keys) -> None:
        line = self._tokens[self._next][1]
        keys = self._keys("=")
        self._next += 1
        for end in range(1, len(keys) + 1):
            self._found.setdefault((*table, *keys[:end]), line)
        self._value((*table, *keys))

    def _value(self, path: _Keys) -> None:
        mark = self._peek()
        if mark == "[":
            self._next += 1
            index = 0
            while (mark := self._peek()) != "]":
                if mark in {",", "\n"}:
                    self._next += 1
                    continue
                here = (*path, str(index))
                self._found[here] = self._tokens[self._next][1]
                self._value(here)
                index += 1
            self._next += 1
        elif mark == "{":
            self._next += 1
            while (mark := self._peek()) != "}":
                if mark in {",", "\n"}:
                    self._next += 1
                else:
                    self._entry(path)
            self._next += 1
        else:
            while self._peek() not in {",", "]", "}", "\n", ""}:
                self._next += 1

    def _keys(self, end: str) -> _Keys:
        import tomllib  # noqa: PLC0415 - loaded by the reader of the file already

        keys = []
        while (mark := self._peek()) != end:
            if mark != ".":
                keys.append(next(iter(tomllib.loads(f"{mark}=0"))))
            self._next += 1
        return tuple(keys)

    def _inside(self, keys: _Keys, table: _Keys) -> _Keys:
        """Lead a table's name into the last item of each array of tables on its way."""
        for key in keys:
            table = (*table, key)
            if table in self._last_item:
                table = (*table, str(self._last_item[table]))
        return table

    def _peek(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""
