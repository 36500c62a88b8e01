"""The parts of jq programs that are worked out in Python: closures over the data and the variables.

Each gives exactly what jq gives, or says that it is not sure; jq is asked then. It is not sure of whatever fails in jq, so that
an error is always jq's own, and of numbers that a double does not hold exactly. A double that is only handed on stays one, where
jq writes some of 1e16 and more as whole numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Closure = Callable[[Any, Mapping[str, Any]], Any]
"""Makes the one value of a program, of what `.` stands for and the variables by name."""

_EXACT = 2**53
"""Whole numbers below this are doubles without loss."""
_ROUND = 10**15
"""Doubles below this are written without an exponent when they are whole, and are read back as whole numbers."""
_RANKS: Mapping[type, int] = {int: 3, float: 3, str: 4, list: 5, dict: 6}
_TRUTH = _RANKS[int]
"""What ranks below this (null, false, true) is equal to what has its rank."""


class UnsureError(Exception):
    """Only jq can tell."""


def identity(data: Any, _variables: Mapping[str, Any]) -> Any:
    """`.`."""
    return data


def constant(value: str | float | bool | None) -> Closure:
    """A literal."""
    return lambda _data, _variables: value


def variable(name: str) -> Closure:
    """`$name`."""
    return lambda _data, variables: variables[name]


def key(of: Closure, name: str) -> Closure:
    """`.name`."""

    def run(data: Any, variables: Mapping[str, Any]) -> Any:
        value = of(data, variables)
        if isinstance(value, dict):
            return value.get(name)
        if value is None:
            return None
        raise UnsureError

    return run


def element(of: Closure, index: int) -> Closure:
    """`.[0]`."""

    def run(data: Any, variables: Mapping[str, Any]) -> Any:
        value = of(data, variables)
        if isinstance(value, list):
            return value[index] if -len(value) <= index < len(value) else None
        if value is None:
            return None
        raise UnsureError

    return run


def pipe(first: Closure, then: Closure) -> Closure:
    """`first | then`."""
    return lambda data, variables: then(first(data, variables), variables)


def alternative(left: Closure, right: Closure) -> Closure:
    """`left // right`."""

    def run(data: Any, variables: Mapping[str, Any]) -> Any:
        value = left(data, variables)
        return right(data, variables) if value is None or value is False else value

    return run


def both(left: Closure, right: Closure) -> Closure:
    """`left and right`."""
    return lambda data, variables: holds(left(data, variables)) and holds(right(data, variables))


def either(left: Closure, right: Closure) -> Closure:
    """`left or right`."""
    return lambda data, variables: holds(left(data, variables)) or holds(right(data, variables))


def choice(condition: Closure, then: Closure, otherwise: Closure) -> Closure:
    """`if condition then … else … end`."""

    def run(data: Any, variables: Mapping[str, Any]) -> Any:
        return (then if holds(condition(data, variables)) else otherwise)(data, variables)

    return run


def mapping(members: Sequence[tuple[str, Closure]]) -> Closure:
    """`{name: …}`."""
    return lambda data, variables: {name: make(data, variables) for name, make in members}


def sequence(items: Sequence[Closure]) -> Closure:
    """`[…, …]`."""
    return lambda data, variables: [make(data, variables) for make in items]


def interpolation(parts: Sequence[Closure]) -> Closure:
    r"""`"text \(…) text"`."""

    def run(data: Any, variables: Mapping[str, Any]) -> str:
        values = [make(data, variables) for make in parts]
        return "".join(value if type(value) is str else str(_whole(value)) for value in values)

    return run


def addition(left: Closure, right: Closure) -> Closure:
    """`left + right`."""

    def run(data: Any, variables: Mapping[str, Any]) -> Any:
        first, second = left(data, variables), right(data, variables)
        if type(first) is dict and type(second) is dict:
            return {**first, **second}
        if first is None or second is None:
            return second if first is None else first
        if type(first) is type(second) and type(first) in {str, list}:
            return first + second
        return _tidy(_number(first) + _number(second))

    return run


def arithmetic(sign: str, left: Closure, right: Closure) -> Closure:
    """`left - right`, `left * right` and `left / right` of numbers."""
    calculate = {"-": operator.sub, "*": operator.mul, "/": operator.truediv}[sign]

    def run(data: Any, variables: Mapping[str, Any]) -> Any:
        first, second = _number(left(data, variables)), _number(right(data, variables))
        try:
            return _tidy(calculate(first, second))
        except ZeroDivisionError:
            raise UnsureError from None

    return run


def comparison(sign: str, left: Closure, right: Closure) -> Closure:
    """`left == right` and so on."""
    compare = {
        "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    }[sign]  # fmt: skip

    def run(data: Any, variables: Mapping[str, Any]) -> bool:
        first, second = left(data, variables), right(data, variables)
        rank, other = _rank(first), _rank(second)
        if rank != other or rank < _TRUTH:
            return bool(compare(rank, other))
        if rank > _RANKS[str]:
            # Python takes true for 1 inside lists and objects; an empty one is equal to an empty one in any case.
            if compare not in {operator.eq, operator.ne} or (first and second):
                raise UnsureError
            return bool(compare(len(first), len(second)))
        if rank == _RANKS[int]:
            _number(first)
            _number(second)
        return bool(compare(first, second))

    return run


def negation(data: Any, _variables: Mapping[str, Any]) -> bool:
    """`not`."""
    return data is None or data is False


def length(data: Any, _variables: Mapping[str, Any]) -> int:
    """`length`."""
    if isinstance(data, str | list | dict):
        return len(data)
    if data is None:
        return 0
    return abs(_whole(data))


def holds(value: Any) -> bool:
    """Tell whether a condition holds: all but false and null does."""
    return value is not None and value is not False


def _rank(value: Any) -> int:
    """Return the place of a value's kind in the order of jq: null, false, true, numbers, text, lists, objects."""
    if value is None:
        return 0
    return int(value) + 1 if isinstance(value, bool) else _RANKS[type(value)]


def _number(value: Any) -> Any:
    if type(value) in {int, float} and -_EXACT < value < _EXACT:
        return value
    raise UnsureError


def _whole(value: Any) -> int:
    if type(value) is int and -_EXACT < value < _EXACT:
        return value
    raise UnsureError


def _tidy(value: float) -> float:
    """Return a number that was calculated as it is read back from jq's text: whole where it can be."""
    if -_ROUND < value < _ROUND:
        whole = int(value)
        return whole if whole == value else value
    raise UnsureError
