"""SPDX licence expressions: their normal form, and what they grant.

An expression without negation is, up to order and repetition, the list of its alternatives: sets of licences that
apply together. Two expressions mean the same when these lists, rid of alternatives that contain another one, are equal.
"""

from __future__ import annotations

from functools import cache

from license_expression import (
    AND,
    OR,
    ExpressionError,
    Licensing,
    get_spdx_licensing,
)
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from dependency_review.errors import InvalidExpressionError

Alternatives = frozenset[frozenset[str]]
"""Each alternative is a set of licences that apply together; "X WITH Y" counts as one licence."""

MOST_ALTERNATIVES = 256
"""Expressions that multiply out into more are refused: no honest one comes near."""

MOST_CHARACTERS = 2_000
"""Longer texts are refused unread."""


def normalize(expression: str) -> str:
    """Bring a declared expression into the form that the core metadata specification asks for (PEP 639).

    Args:
        expression: The text as it was declared.

    Returns:
        The same expression with the spelling of the SPDX list and operators in capitals.

    Raises:
        InvalidExpressionError: It is no SPDX expression, or names a licence that the list does not know.
    """
    if len(expression) > MOST_CHARACTERS:
        raise InvalidExpressionError(f"{expression[:60]}…", f"it is longer than {MOST_CHARACTERS} characters")
    try:
        return str(canonicalize_license_expression(expression))
    except InvalidLicenseExpression as error:
        raise InvalidExpressionError(expression, str(error).partition(":")[2].strip() or "cannot be read") from error


def alternatives(expression: str) -> Alternatives:
    """Return what an expression grants.

    Args:
        expression: An SPDX expression; deprecated ids such as "GPL-2.0+" are taken for those that replaced them.

    Returns:
        Its alternatives, none of which contains another.

    Raises:
        InvalidExpressionError: It cannot be read, or multiplies out into more than `MOST_ALTERNATIVES`.
    """
    if len(expression) > MOST_CHARACTERS:
        raise InvalidExpressionError(f"{expression[:60]}…", f"it is longer than {MOST_CHARACTERS} characters")
    try:
        parsed = _licensing().parse(expression)
    except (ExpressionError, RecursionError, LookupError, TypeError, AttributeError, AssertionError) as error:
        # The parser trips over some broken expressions instead of refusing them.
        raise InvalidExpressionError(expression, str(error) or "it cannot be read") from error
    if parsed is None:
        raise InvalidExpressionError(expression, "it is empty")
    return _expand(parsed, expression)


def licenses(granted: Alternatives) -> frozenset[str]:
    """Return every licence that the alternatives name."""
    return frozenset().union(*granted)


@cache
def _licensing() -> Licensing:
    """Read the SPDX list that license-expression carries; once, and not at import."""
    licensing = get_spdx_licensing()
    # It builds its tokenizer at the first use and hands out a half-built one to other threads meanwhile: steps run in
    # threads, so the first use happens here, before anybody else can have it.
    licensing.parse("MIT")
    return licensing


def _expand(node: object, expression: str) -> Alternatives:
    if isinstance(node, OR):
        return _minimal(frozenset().union(*(_expand(part, expression) for part in node.args)))
    if isinstance(node, AND):
        result: Alternatives = frozenset({frozenset()})
        for part in node.args:
            right = _expand(part, expression)
            if len(result) * len(right) > MOST_ALTERNATIVES:
                raise InvalidExpressionError(expression, f"it has more than {MOST_ALTERNATIVES} alternatives")
            result = _minimal(frozenset(one | other for one in result for other in right))
        return result
    return frozenset({frozenset({str(node)})})


def _minimal(granted: Alternatives) -> Alternatives:
    return frozenset(one for one in granted if not any(other < one for other in granted))
