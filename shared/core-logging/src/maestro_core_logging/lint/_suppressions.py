"""Comments that silence a rule: the ones that flake8 and ruff know."""

from __future__ import annotations

import io
import re
import tokenize
from typing import Final

from maestro_core_logging.lint._finding import Finding

_NOQA: Final = re.compile(r"#\s*noqa(?::\s*(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*))?", re.IGNORECASE)
_WHOLE_FILE: Final = re.compile(r"#\s*(?:flake8|ruff)\s*:\s*noqa(?::\s*(?P<codes>[A-Z0-9,\s]+))?", re.IGNORECASE)
_CODE: Final = re.compile(r"[A-Z]+[0-9]*", re.IGNORECASE)


class Suppressions:
    """The comments of one file: `# noqa`, `# noqa: MLG001` on a line of the call, `# ruff: noqa: MLG001` anywhere.

    Args:
        text: The file.
    """

    def __init__(self, text: str) -> None:
        self._by_line: dict[int, tuple[str, ...]] = {}  # codes by line; none stands for all
        self._everywhere: list[tuple[str, ...]] = []
        if "noqa" not in text.lower():
            return
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type != tokenize.COMMENT:
                continue
            if whole := _WHOLE_FILE.search(token.string):
                self._everywhere.append(_codes(whole))
            elif own := _NOQA.search(token.string):
                self._by_line[token.start[0]] = _codes(own)

    def cover(self, finding: Finding) -> bool:
        """Tell whether a finding is silenced.

        Args:
            finding: The finding.

        Returns:
            Whether a comment on one of the call's lines, or one for the whole file, names its rule or names none.
        """
        lines = range(finding.line, finding.last_line + 1)
        said = [self._by_line[line] for line in lines if line in self._by_line]
        return any(not codes or finding.code.startswith(codes) for codes in [*said, *self._everywhere])


def _codes(found: re.Match[str]) -> tuple[str, ...]:
    return tuple(code.upper() for code in _CODE.findall(found["codes"] or ""))
