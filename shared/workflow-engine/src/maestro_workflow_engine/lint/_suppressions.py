"""Comments that say why a line is deterministic after all."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass

_COMMENT = re.compile(r"#\s*deterministic\s*(?:\[(?P<codes>[^\]]*)\])?\s*:(?P<reason>[^#]*)")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment `# deterministic: <reason>` or `# deterministic[MWF401]: <reason>`."""

    line: int
    """From 1."""
    column: int
    """In characters, from 1."""
    codes: frozenset[str]
    """The rules it is about; empty for all."""
    reason: str
    """Empty when it has none; it then silences nothing."""
    alone: bool
    """Whether nothing else stands on its line: it is then about the next line."""


class Suppressions:
    """The comments of one file."""

    def __init__(self, text: str) -> None:
        self.all = tuple(_read(text)) if "deterministic" in text else ()
        # Comments alone on their lines, one under the other, are about the line below the last of them.
        below = {each.line: each for each in self.all if each.alone}
        comments = _comment_lines(text) if below else frozenset()
        self._at: dict[int, list[Suppression]] = {}
        for each in self.all:
            line = each.line
            if each.alone:
                line += 1
                while line in comments:
                    line += 1
            self._at.setdefault(line, []).append(each)

    def cover(self, lines: Iterable[int], code: str | None) -> bool:
        """Tell whether a rule is silenced.

        Args:
            lines: The lines of the place, from 1.
            code: The rule's code; None asks for a comment about every rule.

        Returns:
            True when a comment with a reason stands on one of the lines or right above it.
        """
        if not self._at:
            return False
        return any(
            each.reason and (not each.codes or code in each.codes) for line in lines for each in self._at.get(line, ())
        )


def _read(text: str) -> Iterable[Suppression]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        match = _COMMENT.search(token.string)
        if match:
            codes = frozenset(code.strip() for code in (match["codes"] or "").split(",") if code.strip())
            alone = not token.line[: token.start[1]].strip()
            yield Suppression(token.start[0], token.start[1] + 1, codes, match["reason"].strip(), alone)


def _comment_lines(text: str) -> frozenset[int]:
    return frozenset(number for number, line in enumerate(io.StringIO(text), 1) if line.lstrip().startswith("#"))
