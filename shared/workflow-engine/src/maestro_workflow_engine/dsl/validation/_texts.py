"""Texts with a form: expressions, URIs, pointers, times."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from maestro_workflow_engine.dsl.validation._rules import Findings, Where

_EXPRESSION = re.compile(r"\s*\$\{.+\}\s*")
_URI = re.compile(r"(?!\s*\$\{)(?=\S)(?:[^:/?#]+:)?\S*")
"""What the schema takes as a URI or URI template: white space at most in the scheme, and no expression."""
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*", re.DOTALL)


def is_expression(value: str) -> bool:
    """Tell whether a text as a whole is `${ … }`, on one line as the schema has it."""
    return "${" in value and _EXPRESSION.fullmatch(value) is not None


def uri(value: Any, where: Where, findings: Findings) -> None:
    """Accept a URI, a relative reference or a URI template."""
    if type(value) is not str:
        findings.wrong_type(where, "a URI", value)
    elif not _URI.fullmatch(value):
        findings.fault(where, "not-a-uri", f"{value!r} is no URI")


def instance(value: Any, where: Where, findings: Findings) -> None:
    """Accept a JSON Pointer or an expression; the schema only annotates the form, so another text is warned of."""
    if type(value) is not str:
        findings.wrong_type(where, "a JSON Pointer", value)
    elif "${" not in value and not _POINTER.fullmatch(value):
        findings.warn(where, "not-a-pointer", f"{value!r} is no JSON Pointer, such as /do/0/greet")


def moment(value: Any, where: Where, findings: Findings) -> None:
    """Accept a date and time or an expression; the schema only annotates the form, so another text is warned of."""
    if type(value) is not str:
        findings.wrong_type(where, "a date and time", value)
    elif "${" not in value and not _is_moment(value):
        findings.warn(where, "not-a-time", f"{value!r} is no date and time, such as 2026-01-31T12:00:00Z (RFC 3339)")


def _is_moment(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None and "T" in value.upper()
    except ValueError:
        return False
