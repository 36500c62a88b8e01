"""Conditions on search attributes as a person writes them: `customer:acme`, `amount:100..200`, `region:eu-*`.

A value that can be read in several ways means all of them: `7` finds the number and the text. Quotes, as in JSON, make a text of
whatever is in them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from maestro.domain.errors import Fault, InvalidRequestError
from maestro_workflow_engine import AttributeValue, RunFilter, SearchAttributeError, between, one_of, prefix

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_INTEGERS: Final = range(-(2**63), 2**63)
_TRUTHS: Final = {"true": True, "false": False}
_HOW: Final = "write name:value, name:from..to (numbers or times; one side may be left out) or name:beginning*"


def read_terms(terms: Iterable[str]) -> RunFilter:
    """Read conditions on search attributes. One name several times, each time with a value, means any of these values.

    Args:
        terms: For example "customer:acme" and "amount:100..".

    Returns:
        A filter by these attributes alone.

    Raises:
        InvalidRequestError: One is no condition, or two of one name do not go together.
    """
    values: dict[str, list[AttributeValue]] = {}
    conditions = dict(RunFilter().attributes)
    for term in terms:
        name, colon, text = term.partition(":")
        if not colon:
            raise _invalid(term, _HOW)
        limits = _limits(text)
        is_value = limits is None and not _is_prefix(text)
        if name in conditions and not (is_value and name in values):
            raise _invalid(term, f"there is a condition on {name!r} already; only single values go together")
        try:
            if is_value:
                values.setdefault(name, []).extend(_readings(text))
                conditions[name] = one_of(*values[name])
            else:
                conditions[name] = prefix(_literal(text[:-1])) if limits is None else between(*limits)
            RunFilter(attributes=conditions)  # refuses what is no name
        except (ValueError, SearchAttributeError) as error:
            raise _invalid(term, str(error)) from error
    return RunFilter(attributes=conditions)


def _is_prefix(text: str) -> bool:
    return len(text) > 1 and text.endswith("*")


def _limits(text: str) -> tuple[float | datetime | None, float | datetime | None] | None:
    """Read a range; None when it is none, because what is on a side is neither number nor time."""
    low, dots, high = text.partition("..")
    if not dots or not (low or high):
        return None
    found = tuple(next(_comparable(side), None) if side else None for side in (low, high))
    return (
        None
        if any(side and limit is None for side, limit in zip((low, high), found, strict=True))
        else (found[0], found[1])
    )


def _comparable(text: str) -> Iterator[float | datetime]:
    yield from _numbers(text)
    moment = _time(text)
    if moment is not None:
        yield moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _readings(text: str) -> Iterator[AttributeValue]:
    if text.startswith('"'):
        yield _literal(text)
        return
    yield text
    yield from _numbers(text)
    if text in _TRUTHS:
        yield _TRUTHS[text]
    moment = _time(text)
    if moment is not None and moment.tzinfo:
        yield moment


def _numbers(text: str) -> Iterator[float]:
    if _NUMBER.fullmatch(text):
        number = float(text)
        if text.lstrip("-").isdigit() and int(text) in _INTEGERS:
            yield int(text)
        elif math.isfinite(number):
            yield number


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if "-" in text[1:] else None
    except ValueError:
        return None


def _literal(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        read = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{text} begins with a quote and is no text as JSON writes it") from error
    if not isinstance(read, str):
        raise ValueError(f"{text} is no text as JSON writes it")  # noqa: TRY004  one error for whatever cannot be read
    return read


def _invalid(term: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(Fault("query.attribute", f"{term!r}: {message}"))
