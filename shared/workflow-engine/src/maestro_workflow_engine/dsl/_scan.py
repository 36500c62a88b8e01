"""Reading a jq program without running it: what it refers to, what would make replay differ, and how it is built."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

IMPURE = frozenset({
    "env", "now", "input", "inputs", "input_filename", "input_line_number", "debug", "stderr", "halt", "halt_error",
    "localtime", "strflocaltime", "get_search_list", "get_jq_origin", "get_prog_origin", "modulemeta", "import", "include",
    "builtins", "have_decnum", "have_literal_numbers", "$__loc__", "$__prog_args", "$ENV",
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
  | (?P<recursion>\.\.)
  | (?P<assignment>(?:\|=|\+=|-=|\*=|/=|//=|%=|(?<![=!<>])=(?!=)))
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_TEXT = re.compile(r'(?:[^"\\]|\\[^(])*', re.DOTALL)
_FIELD = re.compile(r"\.([A-Za-z_]\w*)")
_BEFORE_INDEX = frozenset({"field", "close", "variable", "quote", "dot", "question"})
"""What a bracket follows where it takes an element; elsewhere it makes a list."""


@dataclass(frozen=True)
class Scan:
    """What a jq program refers to, and how it is built."""

    variables: frozenset[str]
    """Variables by name, without the `$`; those that the program binds itself are among them."""
    members: Mapping[str, frozenset[str]]
    """For each variable that is only ever followed by a field, as in `$workflow.id`: those fields."""
    impure: tuple[str, ...]
    """Builtins that are refused, as written, in order, each once."""
    places: Mapping[str, int]
    """Where each of those first stands, counted in characters from 1."""
    counts: Mapping[str, int]
    """How often each name of a function or word stands there, keys of objects left out."""
    variable_uses: int
    """How often a variable is used or bound."""
    references: int
    """How often it refers to its data, by `.`, a field or a variable."""
    stages: int
    """How many parts pipes divide it into."""
    iterations: int
    """How often `[]` takes all elements."""
    iterations_at_once: int
    """How often at most between two pipes."""
    has_recursion: bool
    """Whether `..` is there."""
    has_assignment: bool
    """Whether it writes into its data, as by `|=`."""
    has_index: bool
    """Whether it takes elements by a value in brackets."""
    has_product: bool
    """Whether `*` is there."""
    has_rescue: bool
    """Whether an error may be taken for a value, by `try`, `?` or `//`."""
    has_text: bool
    """Whether a string is there."""
    product_of_numbers: float
    """The product of all numbers above 1 that are there."""
    formats: int
    """How often a format such as `@uri` is there."""
    with_more_arguments: frozenset[str]
    """Names of functions that are called with more than one argument."""

    @property
    def names(self) -> frozenset[str]:
        """The names of functions, and words."""
        return frozenset(self.counts)


@lru_cache(maxsize=4096)
def scan(program: str) -> Scan:
    """Find out what a jq program refers to, and how it is built.

    Args:
        program: The program's text; it need not be a correct program.

    Returns:
        What was found.
    """
    return _Reader(program).read()


class _Reader:
    """One pass over the text. Brackets are kept on a stack; a quote on it stands for an interpolation in a string."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._at = 0
        self._start = 0
        self._brackets: list[tuple[str, str, str]] = []
        """Each open bracket, and what stands before it: its kind and its text."""
        self._previous = ""
        self._kind = ""
        self._variables: Counter[str] = Counter()
        self._members: dict[str, set[str]] = {}
        self._whole: set[str] = set()
        self._impure: dict[str, int] = {}
        self._names: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._in_stage = [0]
        self._indexes = 0
        self._references = 0
        self._product = 1.0
        self._with_more_arguments: set[str] = set()

    def read(self) -> Scan:
        """Read the program."""
        while self._at < len(self._program):
            token = _TOKEN.match(self._program, self._at)
            assert token is not None  # the last alternative takes any character
            self._start, self._at = self._at, token.end()
            kind, text = str(token.lastgroup), token.group()
            if kind != "skip":
                self._kinds[kind] += 1
                self._take(kind, text)
                self._previous, self._kind = text, {".": "dot", "?": "question"}.get(text, kind)
        return Scan(
            variables=frozenset(self._variables),
            members={name: frozenset(found) for name, found in self._members.items() if name not in self._whole},
            impure=tuple(self._impure),
            places=self._impure,
            counts=self._names,
            variable_uses=self._variables.total(),
            references=self._references,
            stages=len(self._in_stage),
            iterations=sum(self._in_stage),
            iterations_at_once=max(self._in_stage),
            has_recursion=self._kinds["recursion"] > 0,
            has_assignment=self._kinds["assignment"] > 0,
            has_index=self._indexes > 0,
            has_product=self._kinds["product"] > 0,
            has_rescue=self._kinds["rescue"] + self._names["try"] > 0,
            has_text=self._kinds["quote"] > 0,
            product_of_numbers=self._product,
            formats=self._kinds["format"],
            with_more_arguments=frozenset(self._with_more_arguments),
        )

    def _take(self, kind: str, text: str) -> None:
        if kind == "quote":
            self._string()
        elif kind == "variable":
            self._variable(text[1:].strip())
        elif kind == "name":
            self._name(text)
        elif kind == "open":
            self._brackets.append((text, self._kind, self._previous))
        elif kind == "close":
            self._close(text)
        elif text == "|":
            self._in_stage.append(0)
        elif kind == "number":
            self._product *= max(float(text), 1.0)
        elif text == "*":
            self._kinds["product"] += 1
        elif text in {"?", "//="} or (text == self._previous == "/"):
            self._kinds["rescue"] += 1
        elif text == ";" and self._brackets:
            self._with_more_arguments.add(self._brackets[-1][2])
        if (kind in {"field", "variable"} or text == ".") and self._kind not in _BEFORE_INDEX:
            self._references += 1

    def _close(self, text: str) -> None:
        opened, before, _ = self._brackets.pop() if self._brackets else ("", "", "")
        if opened == '"':
            self._string()  # the end of an interpolation: the string goes on
        elif text == "]" and before in _BEFORE_INDEX:
            if self._previous == "[":
                self._in_stage[-1] += 1
            else:
                self._indexes += 1

    def _string(self) -> None:
        text = _TEXT.match(self._program, self._at)
        assert text is not None  # it matches the empty string
        self._at = text.end()
        if self._program.startswith("\\(", self._at):
            self._brackets.append(('"', "", ""))
            self._at += 2
        else:
            self._at += 1  # the closing quote

    def _variable(self, name: str) -> None:
        if f"${name}" in IMPURE:
            self._refuse(f"${name}")
        else:
            self._variables[name] += 1
            following = _FIELD.match(self._program, self._at)
            if following is None:
                self._whole.add(name)
            else:
                self._members.setdefault(name, set()).add(following[1])

    def _name(self, name: str) -> None:
        is_key = bool(self._brackets) and self._brackets[-1][0] == "{" and self._previous in {"{", ","}
        if is_key or self._previous == ".":
            return
        self._names[name] += 1
        if name in IMPURE:
            self._refuse(name)

    def _refuse(self, name: str) -> None:
        self._impure.setdefault(name, self._start + 1)
