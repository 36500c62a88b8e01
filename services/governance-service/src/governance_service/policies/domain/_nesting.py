"""How deep a Cedar text is nested.

Cedar works by recursion on the stack of the thread: some hundred brackets inside of each other, or some thousand operators in a row, end
the whole process. So a text is measured before it is parsed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_DEPTH: Final = 48
MAX_BRANCHES: Final = 200
MAX_CHAIN: Final = 200
MAX_MEMBERS: Final = 32
MAX_CHARS: Final = 65_536
_BINDING: Final = frozenset({"&&", "||", "+", "-", "*", "!", "if", "when", "unless"})
_MEMBER: Final = frozenset({".", "["})
# Strings and comments are taken whole, so that what is inside of them does not count.
_TOKEN: Final = re.compile(
    r'"(?:[^"\\]|\\.)*"|//[^\n]*|[()\[\]{}]|&&|\|\||[!=<>]=|[-+*.!<>,;]|\b(?:if|then|else|when|unless|in|like|is)\b',
    re.DOTALL,
)


def measure(text: str, *, angles: bool = False) -> Iterator[str]:
    """Tell what makes a text too much for the parser.

    Args:
        text: Rules, or a schema.
        angles: Whether `<` and `>` are brackets, and nothing else binds, as it is in a schema.

    Yields:
        Each fault, for a person.
    """
    if len(text) > MAX_CHARS:
        yield f"has {len(text)} characters; at most {MAX_CHARS} are allowed"
        return
    opening, closing = ("([{<", ")]}>") if angles else ("([{", ")]}")
    levels = [_Level()]
    deepest = branches = members = 0
    for match in _TOKEN.finditer(text):
        found, level = match[0], levels[-1]
        if not angles:
            level.take(found)
            members = max(members, level.members)
        if found in opening:
            levels.append(_Level())
            deepest = max(deepest, len(levels) - 1)
        elif found in closing and len(levels) > 1:
            levels.pop()
            levels[-1].hold(level)
        elif found == "if":
            branches += 1
    while len(levels) > 1:
        level = levels.pop()
        levels[-1].hold(level)
    longest = levels[0].longest
    if deepest > MAX_DEPTH:
        yield f"is nested {deepest} brackets deep; at most {MAX_DEPTH} are allowed"
    if branches > MAX_BRANCHES:
        yield f"has {branches} times 'if'; at most {MAX_BRANCHES} are allowed: write several rules"
    if longest > MAX_CHAIN:
        yield f"has a chain of {longest} operators; at most {MAX_CHAIN} are allowed: write several rules, or a set"
    if members > MAX_MEMBERS:
        yield f"has a chain of {members} attributes; at most {MAX_MEMBERS} are allowed"


@dataclass(slots=True)
class _Level:
    """What stands between two brackets: expressions apart from each other, each a tree that is at most as deep as it has operators."""

    operators: int = 0
    members: int = 0
    most_members: int = 0
    within: int = 0
    """The longest chain in the brackets inside of it."""
    longest: int = 0

    @property
    def chain(self) -> int:
        """How many operators may be inside of each other in the expression that is being read."""
        return self.operators + self.most_members + self.within

    def hold(self, inner: "_Level") -> None:
        """Take in what a pair of brackets holds."""
        self.within = max(self.within, inner.longest)
        self.longest = max(self.longest, self.chain)

    def take(self, token: str) -> None:
        """Take in the next token."""
        if token in {",", ";"}:
            self.operators = self.members = self.most_members = self.within = 0
        elif token in _MEMBER:
            self.members += 1
            self.most_members = max(self.most_members, self.members)
        elif token in _BINDING:
            self.operators += 1
            self.members = 0
        elif token[0] not in '"/()]{}':
            self.members = 0
        self.longest = max(self.longest, self.chain)
