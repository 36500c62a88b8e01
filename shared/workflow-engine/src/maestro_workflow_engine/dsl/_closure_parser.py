"""Reading those jq programs that closures can stand in for; the rest is left to jq.

The grammar is jq's own (its `parser.y`): from loose to tight `|`, `//`, `or`, `and`, comparisons, `+ -`, `* /`, and what follows
a term. What is not recognised makes the whole program unrecognised. Only programs that jq has compiled are asked about, so that
a program with a mistake in it needs no answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from maestro_workflow_engine.dsl import _closures as made
from maestro_workflow_engine.dsl._closures import Closure

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
    (?P<number>(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?(?![\w.]))
  | (?P<field>\.[A-Za-z_]\w*)
  | (?P<variable>\$[A-Za-z_]\w*)
  | (?P<name>[A-Za-z_]\w*(?!\w*::))
  | (?P<open>")
  | (?P<sign>//(?!=)|[=!<>]=|[-+*/<>|,:.()\[\]{}])
    )""",
    re.VERBOSE | re.ASCII,
)
_TEXT = re.compile(r'[^"\\\x00-\x1f\x7f]*')
_BLANK = re.compile(r"[ \t\r\n]*")
_WORDS: Mapping[str, Closure] = {
    "null": made.constant(None), "true": made.constant(True), "false": made.constant(False),
    "not": made.negation, "length": made.length,
}  # fmt: skip
_Pair = Callable[[Closure, Closure], Closure]


def _with_sign(make: Callable[[str, Closure, Closure], Closure], sign: str) -> _Pair:
    return lambda left, right: make(sign, left, right)


_INFIX: Mapping[str, tuple[int, _Pair]] = {
    "//": (1, made.alternative),
    "or": (2, made.either),
    "and": (3, made.both),
    **{sign: (4, _with_sign(made.comparison, sign)) for sign in ("==", "!=", "<", "<=", ">", ">=")},
    "+": (5, made.addition),
    "-": (5, _with_sign(made.arithmetic, "-")),
    "*": (6, _with_sign(made.arithmetic, "*")),
    "/": (6, _with_sign(made.arithmetic, "/")),
}
"""How tight each operator binds, and what it makes. All but `//` group to the left."""


class _UnknownError(Exception):
    """Something that is left to jq."""


@lru_cache(maxsize=4096)
def closure_of(program: str) -> Closure | None:
    """Return a closure that does what a jq program does.

    Args:
        program: A jq program that was compiled.

    Returns:
        The closure; None when only jq can run the program.
    """
    try:
        return _Reader(program).read()
    except (_UnknownError, RecursionError):
        return None


class _Reader:
    """One pass over the text, a token ahead."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._at = 0
        self._kind = self._word = ""
        self._next()

    def read(self) -> Closure:
        """Read the whole program."""
        found = self._pipeline()
        self._expect_kind("end")
        return found

    def _next(self) -> None:
        match = _TOKEN.match(self._program, self._at)
        if match is not None:
            self._kind, self._word = str(match.lastgroup), match[str(match.lastgroup)]
            self._at = match.end()
        elif _BLANK.fullmatch(self._program, self._at):
            self._kind = self._word = "end"
        else:
            raise _UnknownError

    def _expect_kind(self, kind: str) -> None:
        if self._kind != kind:
            raise _UnknownError

    def _expect(self, word: str) -> None:
        if not self._skip(word):
            raise _UnknownError

    def _skip(self, word: str) -> bool:
        if self._kind == "open" or self._word != word:
            return False
        self._next()
        return True

    def _pipeline(self) -> Closure:
        found = self._operation(1)
        return made.pipe(found, self._pipeline()) if self._skip("|") else found

    def _operation(self, tightness: int) -> Closure:
        left = self._term()
        while self._word in _INFIX and self._kind != "open" and _INFIX[self._word][0] >= tightness:
            sign = self._word
            binds, make = _INFIX[sign]
            self._next()
            left = make(left, self._operation(binds if sign == "//" else binds + 1))
        return left

    def _term(self) -> Closure:
        kind, word = self._kind, self._word
        if kind == "open":
            found = self._text()
        elif kind == "field":
            found = made.key(made.identity, word[1:])
            self._next()
        elif kind == "variable":
            found = made.variable(word[1:])
            self._next()
        elif kind == "number" or word == "-":
            found = made.constant(self._number())
        elif kind == "name":
            found = self._named()
        else:
            found = self._bracketed()
        return self._suffixed(found)

    def _bracketed(self) -> Closure:
        bracket = self._word
        self._next()
        if bracket == "(":
            found = self._pipeline()
            self._expect(")")
            return found
        if bracket == "[":
            return self._list()
        if bracket == "{":
            return self._object()
        if bracket == ".":
            if self._kind == "open":
                return made.key(made.identity, self._plain_text())
            return made.identity
        raise _UnknownError

    def _suffixed(self, of: Closure) -> Closure:
        while True:
            if self._kind == "field":
                of = made.key(of, self._word[1:])
                self._next()
            elif self._skip("["):
                if self._kind == "open":
                    of = made.key(of, self._plain_text())
                else:
                    index = self._number()
                    if not isinstance(index, int):
                        raise _UnknownError
                    of = made.element(of, index)
                self._expect("]")
            elif self._kind == "sign" and self._word == ".":
                self._next()
                if self._kind == "open":
                    of = made.key(of, self._plain_text())
                elif self._word != "[":
                    raise _UnknownError
            else:
                return of

    def _number(self) -> int | float:
        is_negative = self._skip("-")
        self._expect_kind("number")
        text = self._word
        self._next()
        value = float(text) if "." in text else int(text)
        if is_negative and isinstance(value, float) and value == int(value):
            raise _UnknownError  # whether jq keeps the point depends on what is around it
        return -value if is_negative else value

    def _named(self) -> Closure:
        word = self._word
        self._next()
        if word == "if":
            return self._choice()
        if word not in _WORDS:
            raise _UnknownError
        return _WORDS[word]

    def _choice(self) -> Closure:
        condition = self._pipeline()
        self._expect("then")
        then = self._pipeline()
        if self._skip("elif"):
            return made.choice(condition, then, self._choice())
        otherwise = self._pipeline() if self._skip("else") else made.identity
        self._expect("end")
        return made.choice(condition, then, otherwise)

    def _list(self) -> Closure:
        if self._skip("]"):
            return made.sequence([])
        items = [self._operation(1)]
        if self._skip("|"):  # which binds looser than the comma
            items = [made.pipe(items[0], self._pipeline())]
        else:
            while self._skip(","):
                items.append(self._operation(1))
        self._expect("]")
        return made.sequence(items)

    def _object(self) -> Closure:
        members: list[tuple[str, Closure]] = []
        while not self._skip("}"):
            if members:
                self._expect(",")
            members.append(self._member())
        return made.mapping(members)

    def _member(self) -> tuple[str, Closure]:
        kind, word = self._kind, self._word
        if kind == "open":
            name = self._plain_text()
        elif kind in {"name", "variable"}:
            name = word.removeprefix("$")
            self._next()
        else:
            raise _UnknownError
        if kind == "variable":
            return name, made.variable(name)
        return name, self._pipeline() if self._skip(":") else made.key(made.identity, name)

    def _plain_text(self) -> str:
        match = _TEXT.match(self._program, self._at)
        assert match is not None  # it matches the empty string
        if not self._program.startswith('"', match.end()):
            raise _UnknownError
        self._at = match.end() + 1
        self._next()
        return match[0]

    def _text(self) -> Closure:
        parts: list[Closure] = []
        while True:
            match = _TEXT.match(self._program, self._at)
            assert match is not None  # it matches the empty string
            parts.append(made.constant(match[0]))
            self._at = match.end()
            if self._program.startswith('"', self._at):
                self._at += 1
                self._next()
                return parts[0] if len(parts) == 1 else made.interpolation(parts)
            if not self._program.startswith("\\(", self._at):
                raise _UnknownError
            self._at += 2
            self._next()
            parts.append(self._pipeline())
            if self._word != ")" or self._kind != "sign":
                raise _UnknownError
