"""How deep JSON is nested, told without reading it."""

from __future__ import annotations

import re
from itertools import accumulate

_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - set(_STEPS))
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def is_deeper_than(levels: int, data: bytes) -> bool:
    """Tell whether arrays and objects lie more than so many levels deep in one another.

    Nearly all payloads are told by counting. Only one with brackets enough is looked at bracket by bracket, and only where
    that could still be brackets inside of texts are the texts taken out first.

    Args:
        levels: How deep is not too deep.
        data: Valid JSON, UTF-8.
    """
    if data.count(b"[") + data.count(b"{") <= levels:
        return False
    return _depth(data) > levels and _depth(_TEXTS.sub(b"", data)) > levels


def _depth(data: bytes) -> int:
    return max(accumulate(map(_STEPS.__getitem__, data.translate(None, _NO_BRACKETS))), default=0)
