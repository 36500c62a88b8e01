"""How deep a Cedar text is nested.

Cedar's parser works by recursion on the stack of the thread: some hundred brackets inside of each other, or some thousand chained
`if`s, end the whole process. So a text is measured before it is parsed.
"""

import re
from collections.abc import Iterator
from typing import Final

MAX_DEPTH: Final = 48
MAX_BRANCHES: Final = 200
MAX_CHARS: Final = 65_536
# Strings and comments are taken whole, so that brackets inside of them do not count.
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|[()\[\]{}<>]|\bif\b', re.DOTALL)


def measure(text: str, *, angles: bool = False) -> Iterator[str]:
    """Tell what makes a text too much for the parser.

    Args:
        text: Rules, or a schema.
        angles: Whether `<` and `>` are brackets, as they are in a schema.

    Yields:
        Each fault, for a person.
    """
    if len(text) > MAX_CHARS:
        yield f"has {len(text)} characters; at most {MAX_CHARS} are allowed"
        return
    depth = deepest = branches = 0
    opening, closing = ("([{<", ")]}>") if angles else ("([{", ")]}")
    for match in _TOKEN.finditer(text):
        found = match[0]
        if found in opening:
            depth += 1
            deepest = max(deepest, depth)
        elif found in closing:
            depth = max(0, depth - 1)
        elif found == "if":
            branches += 1
    if deepest > MAX_DEPTH:
        yield f"is nested {deepest} brackets deep; at most {MAX_DEPTH} are allowed"
    if branches > MAX_BRANCHES:
        yield f"has {branches} times 'if'; at most {MAX_BRANCHES} are allowed: write several rules"
