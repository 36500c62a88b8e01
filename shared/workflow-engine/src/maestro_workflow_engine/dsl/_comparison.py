"""The most common conditions, a path compared with a constant, evaluated without jq."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine.dsl._paths import Path, plain_path

_COMPARISON = re.compile(
    r"(?P<path>[^\s=!<>|]+)\s*(?P<sign>==|!=|<=|>=|<|>)\s*"
    r'(?P<constant>-?(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?|"[^"\\\x00-\x1f]*"|true|false|null)'
)
_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_RANKS: Mapping[type, int] = {int: 3, float: 3, str: 4, list: 5, dict: 6}


@dataclass(frozen=True)
class Comparison:
    """A path, a sign and a constant."""

    path: Path
    sign: str
    constant: Any

    def evaluate(self, data: Any, variables: Mapping[str, Any]) -> bool:
        """Compare as jq does: values of different kinds by the order null, false, true, numbers, text, lists, objects.

        Args:
            data: What `.` stands for.
            variables: The values of variables, by name.

        Returns:
            Whether the comparison holds.

        Raises:
            PathError: The path leads through something that is neither an object nor null.
        """
        value = self.path.evaluate(data, variables)
        left, right = _rank(value), _rank(self.constant)
        if left != right or left < _RANKS[int]:
            return _SIGNS[self.sign](left, right)
        return _SIGNS[self.sign](value, self.constant)


def plain_comparison(program: str) -> Comparison | None:
    """Recognise a program that compares a path with a constant.

    Args:
        program: A jq program.

    Returns:
        The comparison; None when the program is anything else.
    """
    match = _COMPARISON.fullmatch(program.strip())
    path = plain_path(match["path"]) if match else None
    return Comparison(path, match["sign"], json.loads(match["constant"])) if match and path else None


def _rank(value: Any) -> int:
    if value is None:
        return 0
    return int(value) + 1 if isinstance(value, bool) else _RANKS[type(value)]
