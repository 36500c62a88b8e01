"""Reading a jq program without running it: the variables it uses, and the builtins that would make replay differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

IMPURE = frozenset({
    "env", "now", "input", "inputs", "input_filename", "input_line_number", "debug", "stderr", "halt", "halt_error",
    "localtime", "strflocaltime", "get_search_list", "get_jq_origin", "get_prog_origin", "modulemeta", "import", "include",
})  # fmt: skip
"""Names whose result depends on the machine, the clock, the process or its input, or that end the process's jq."""

_TOKEN = re.compile(
    r"""
    (?P<skip>\s+|\#[^\n]*)
  | (?P<variable>\$\s*[A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)
  | (?P<field>\.[A-Za-z_]\w*)
  | (?P<format>@[A-Za-z0-9_]+)
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<name>[A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)
  | (?P<quote>")
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_TEXT = re.compile(r'(?:[^"\\]|\\[^(])*', re.DOTALL)


@dataclass(frozen=True)
class Scan:
    """What a jq program refers to."""

    variables: frozenset[str]
    """Variables by name, without the `$`; those that the program binds itself are among them."""
    impure: tuple[str, ...]
    """Builtins that are refused, as written, in order, each once."""


@lru_cache(maxsize=4096)
def scan(program: str) -> Scan:
    """Find out what a jq program refers to.

    Args:
        program: The program's text; it need not be a correct program.

    Returns:
        Its variables and impure builtins.
    """
    reader = _Reader(program)
    reader.read()
    return Scan(frozenset(reader.variables), tuple(dict.fromkeys(reader.impure)))


class _Reader:
    """One pass over the text. Brackets are kept on a stack; a quote on it stands for an interpolation in a string."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._at = 0
        self._brackets: list[str] = []
        self._previous = ""
        self.variables: set[str] = set()
        self.impure: list[str] = []

    def read(self) -> None:
        while self._at < len(self._program):
            token = _TOKEN.match(self._program, self._at)
            assert token is not None  # the last alternative takes any character
            self._at = token.end()
            kind, text = str(token.lastgroup), token.group()
            if kind == "skip":
                continue
            if kind == "quote":
                self._string()
            elif kind == "variable":
                self._variable(text[1:].strip())
            elif kind == "name":
                self._name(text)
            elif kind == "open":
                self._brackets.append(text)
            elif kind == "close" and self._brackets and self._brackets.pop() == '"':
                self._string()  # the end of an interpolation: the string goes on
            self._previous = text

    def _string(self) -> None:
        text = _TEXT.match(self._program, self._at)
        assert text is not None  # it matches the empty string
        self._at = text.end()
        if self._program.startswith("\\(", self._at):
            self._brackets.append('"')
            self._at += 2
        else:
            self._at += 1  # the closing quote

    def _variable(self, name: str) -> None:
        if name == "ENV":
            self.impure.append("$ENV")
        else:
            self.variables.add(name)

    def _name(self, name: str) -> None:
        if name not in IMPURE or self._previous == ".":
            return
        is_key = self._brackets[-1:] == ["{"] and self._previous in {"{", ","}
        if not is_key:
            self.impure.append(name)
