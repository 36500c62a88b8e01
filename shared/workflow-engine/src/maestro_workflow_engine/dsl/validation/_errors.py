"""Errors, which of them are caught, and how tasks are tried again."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine.dsl.validation._rules import Findings, Where, integer, mapping, record, text
from maestro_workflow_engine.dsl.validation._texts import instance
from maestro_workflow_engine.dsl.validation._values import duration, uri_or_expression

error = record(
    "an error",
    {"type": uri_or_expression, "status": integer, "instance": instance, "title": text, "detail": text},
    ("type", "status"),
)

_FILTER = record(
    "an error filter",
    {"type": text, "status": integer, "instance": text, "title": text, "detail": text},
    closed=False,
)


def error_filter(value: Any, where: Where, findings: Findings) -> None:
    """Accept members that an error must have."""
    _FILTER(value, where, findings)
    if value == {}:
        findings.fault(where, "empty", "names no member; leave 'errors' out to catch every error")


_BACKOFFS = ("constant", "exponential", "linear")
_BACKOFF = record("a backoff", dict.fromkeys(_BACKOFFS, mapping), exactly_one=[_BACKOFFS])
_ATTEMPT = record("the limit of attempts", {"count": integer, "duration": duration})

retry_policy = record(
    "a retry policy",
    {
        "when": text,
        "exceptWhen": text,
        "delay": duration,
        "backoff": _BACKOFF,
        "limit": record("the limit of retries", {"attempt": _ATTEMPT, "duration": duration}),
        "jitter": record("a jitter", {"from": duration, "to": duration}, ("from", "to")),
    },
)
