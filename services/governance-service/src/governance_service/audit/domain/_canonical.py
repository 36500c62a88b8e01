"""One text for one JSON value (RFC 8785, JSON Canonicalization Scheme), so that a hash of it means the value."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

_LARGEST: Final = 2**53 - 1
"""The largest whole number that every JSON reader agrees on (RFC 7493, 2.2)."""
_DEEPEST: Final = 32


class NotCanonicalError(ValueError):
    """A value that JSON readers do not agree on: NaN, a large number that is not exact, half of a surrogate pair, no JSON at all."""


def canonical(value: Any) -> str:
    """Write a JSON value in the one form that it has.

    Args:
        value: Any JSON value: mappings with text keys, lists, text, numbers, booleans, None.

    Returns:
        The text, without blanks, keys ordered by their UTF-16 code units.

    Raises:
        NotCanonicalError: The value is no JSON, or readers would not agree on it.
    """
    return _written(value, 0)


def _written(value: Any, depth: int) -> str:
    if depth > _DEEPEST:
        raise NotCanonicalError(f"more than {_DEEPEST} levels are nested")
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case int():
            if abs(value) > _LARGEST:
                return _large(value)
            return str(value)
        case float():
            return _number(value)
        case list() | tuple():
            return "[" + ",".join(_written(item, depth + 1) for item in value) + "]"
        case Mapping():
            return "{" + ",".join(_members(value, depth)) + "}"
        case _:
            raise NotCanonicalError(f"{type(value).__name__} is no JSON")


def _members(value: Mapping[Any, Any], depth: int) -> list[str]:
    if not all(isinstance(key, str) for key in value):
        raise NotCanonicalError("the keys of an object must be text")
    texts = {key: _text(key) for key in value}
    ordered = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return [f"{texts[key]}:{_written(value[key], depth + 1)}" for key in ordered]


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise NotCanonicalError("a text has half of a surrogate pair") from error
    return json.dumps(value, ensure_ascii=False)


def _large(value: int) -> str:
    # To a reader all numbers are 64-bit floats; one that is not exactly such a float would be another number there.
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if number != value:
        raise NotCanonicalError("a whole number beyond 2^53 is not exact in every reader: write it as text")
    return _number(number)


def _number(value: float) -> str:
    """Write a number as ECMAScript does (ECMA-262, Number::toString)."""
    if not math.isfinite(value):
        raise NotCanonicalError("NaN and infinity are no JSON")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    # Python's repr has the shortest digits that read back as the same number, as ECMAScript wants; only the layout differs.
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    return sign + _laid_out(digits, point)


def _laid_out(digits: str, point: int) -> str:
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    exponent = point - 1
    power = f"e{'+' if exponent > 0 else '-'}{abs(exponent)}"
    return f"{digits[0]}{'.' if count > 1 else ''}{digits[1:]}{power}"
