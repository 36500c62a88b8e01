"""Pieces of PromQL."""

import json
import re
from collections.abc import Sequence

REGEX_META = re.compile(r"([\\.+*?()|\[\]{}^$])")


def text(value: str) -> str:
    """Return a text as PromQL writes it, quotes included."""
    return json.dumps(value, ensure_ascii=False)


def alternatives(values: Sequence[str]) -> str:
    """Return a regular expression (RE2) that matches exactly these values."""
    return "|".join(REGEX_META.sub(r"\\\1", value) for value in values)


def selector(metric: str, *matchers: str) -> str:
    """Return a selector of series; matchers that are empty are left out."""
    return f"{metric}{{{','.join(matcher for matcher in matchers if matcher)}}}"


def bucket_at(bound_s: float) -> str:
    """Return a matcher of the bucket that ends at a bound, whichever way it is written: `1` or `1.0`."""
    plain = f"{bound_s:g}"
    return f'le="{plain}"' if "." in plain else f'le=~"{plain}(\\\\.0)?"'


def duration(seconds: int) -> str:
    """Return a duration as PromQL writes it: `5m`, `1h`, `3d`."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
