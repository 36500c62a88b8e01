"""Plain data in a column."""

from typing import Any

import orjson


def to_text(value: Any) -> str:
    """Write a value down; the same value always gives the same text.

    Args:
        value: Plain data.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode("utf-8", "replace")


def from_text(text: str) -> Any:
    """Read what `to_text` has written.

    Args:
        text: The text.
    """
    return orjson.loads(text)
