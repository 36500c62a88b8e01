"""Conditions on search attributes: a range, one of several values, a beginning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from maestro_workflow_engine._attributes import AttributeValue, Moment, Stored, stored

Bound = str | int | float | datetime
_MOST_VALUES = 100


@dataclass(frozen=True, slots=True)
class AttributeBetween:
    """Made by `between`."""

    low: Bound | None
    high: Bound | None


@dataclass(frozen=True, slots=True)
class AttributeOneOf:
    """Made by `one_of`."""

    values: tuple[AttributeValue, ...]


@dataclass(frozen=True, slots=True)
class AttributePrefix:
    """Made by `prefix`."""

    text: str


AttributeCondition = AttributeBetween | AttributeOneOf | AttributePrefix


def between(low: Bound | None, high: Bound | None) -> AttributeBetween:
    """Match values from one to another, both included.

    Args:
        low: The lowest; None for no limit.
        high: The highest; None for no limit.

    Raises:
        ValueError: There is no limit at all, or they are of different kinds.
        SearchAttributeError: A limit is no value of an attribute.
    """
    limits = [limit for limit in (low, high) if limit is not None]
    if not limits:
        raise ValueError("between() needs a lowest or a highest value")
    if any(isinstance(limit, bool) for limit in limits) or len({_sort_of(limit) for limit in limits}) > 1:
        raise ValueError(f"between() needs two numbers, two texts or two times, not {low!r} and {high!r}")
    return AttributeBetween(low, high)


def one_of(*values: AttributeValue) -> AttributeOneOf:
    """Match any of several values, at most 100.

    Raises:
        ValueError: There are none, or too many.
        SearchAttributeError: A value is none of an attribute.
    """
    if not 1 <= len(values) <= _MOST_VALUES:
        raise ValueError(f"one_of() takes 1 to {_MOST_VALUES} values")
    for value in values:
        _single(value)
    return AttributeOneOf(values)


def prefix(text: str) -> AttributePrefix:
    """Match texts and keywords that begin with a text.

    Raises:
        ValueError: The text is empty.
        SearchAttributeError: It is longer than any attribute.
    """
    if not text or not isinstance(stored("prefix", text), str):
        raise ValueError(f"prefix() needs a text, not {text!r}")
    return AttributePrefix(text)


def _single(value: AttributeValue) -> Stored:
    if isinstance(value, (list, tuple)):
        msg = f"{value!r} is several values; match one keyword, or one_of(...) them"
        raise ValueError(msg)  # noqa: TRY004  one error for whatever is no condition
    return stored("value", value)


def _sort_of(limit: Bound) -> str:
    found = stored("limit", limit)
    return "time" if isinstance(found, Moment) else "text" if isinstance(found, str) else "number"
