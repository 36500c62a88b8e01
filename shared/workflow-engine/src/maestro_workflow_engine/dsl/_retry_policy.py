"""Retry policies: how often and how long apart a failed `try` runs again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from maestro_workflow_engine.dsl._durations import Duration, parse_duration
from maestro_workflow_engine.dsl._expressions import Expression, parse_expression
from maestro_workflow_engine.dsl._node import Node

_BACKOFFS = ("constant", "exponential", "linear")


@dataclass(frozen=True)
class RetryPolicy:
    """When a failed task runs again."""

    when: Expression | None = None
    except_when: Expression | None = None
    delay: Duration = timedelta(0)
    """The base of the wait before each retry."""
    backoff: str = "constant"
    """How the wait grows: constant, linear or exponential."""
    max_retries: int | None = None
    """How many retries, the first run not counted; None for no limit."""
    attempt_duration: Duration | None = None
    """The limit for one retry; None for no limit."""
    duration: Duration | None = None
    """No retry starts later than this after the first run started; None for no limit."""
    jitter: tuple[Duration, Duration] | None = None
    """A random time between these two is added to each wait; None for none."""

    def wait(self, retry: int, delay: timedelta, jitter: timedelta) -> timedelta:
        """Return the wait before a retry.

        Args:
            retry: Which retry it is, from 1.
            delay: The policy's delay, resolved.
            jitter: The random part.

        Returns:
            The wait; never more than a year, so that growing waits cannot overflow.
        """
        factor: int = {"constant": 1, "linear": retry, "exponential": 2 ** min(retry - 1, 40)}[self.backoff]
        try:
            return min(delay * factor + jitter, timedelta(days=365))
        except OverflowError:
            return timedelta(days=365)


def parse_retry(node: Node, scope: frozenset[str]) -> RetryPolicy:
    """Read a retry policy.

    Args:
        node: The policy.
        scope: The variables its expressions may use.

    Returns:
        The policy.
    """
    fields = node.fields(("when", "exceptWhen", "delay", "backoff", "limit", "jitter"), what="a retry policy")
    limit = fields["limit"].fields(("attempt", "duration"), what="a retry limit") if "limit" in fields else {}
    attempt = limit["attempt"].fields(("count", "duration"), what="an attempt limit") if "attempt" in limit else {}
    return RetryPolicy(
        when=parse_expression(fields["when"], scope) if "when" in fields else None,
        except_when=parse_expression(fields["exceptWhen"], scope) if "exceptWhen" in fields else None,
        delay=parse_duration(fields["delay"], scope) if "delay" in fields else timedelta(0),
        backoff=_parse_backoff(fields["backoff"]) if "backoff" in fields else "constant",
        max_retries=attempt["count"].integer() if "count" in attempt else None,
        attempt_duration=parse_duration(attempt["duration"], scope) if "duration" in attempt else None,
        duration=parse_duration(limit["duration"], scope) if "duration" in limit else None,
        jitter=_parse_jitter(fields["jitter"], scope) if "jitter" in fields else None,
    )


def _parse_backoff(node: Node) -> str:
    fields = node.fields(_BACKOFFS, what="a backoff")
    if isinstance(node.value, dict) and len(fields) != 1:
        node.fault(f"must hold exactly one of {', '.join(_BACKOFFS)}")
    for name, options in fields.items():
        if not isinstance(options.value, dict):
            options.fault("must be a mapping")
        elif options.value:
            options.unsupported("options of a backoff (the specification defines none)")
        return name
    return "constant"


def _parse_jitter(node: Node, scope: frozenset[str]) -> tuple[Duration, Duration] | None:
    fields = node.fields(("from", "to"), ("from", "to"), what="a jitter")
    if len(fields) != 2:
        return None
    low, high = parse_duration(fields["from"], scope), parse_duration(fields["to"], scope)
    if isinstance(low, timedelta) and isinstance(high, timedelta) and low > high:
        node.fault("'from' is longer than 'to'")
    return low, high
