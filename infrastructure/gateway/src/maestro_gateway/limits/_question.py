"""What Envoy asks before it lets a request through, and what is answered. Rules only: no sockets, no clock."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from maestro_core_api import RateLimit
from maestro_core_api.gateway import Decision, Take, limit_headers
from maestro_gateway.envoy import ADDRESS_HEADER, LIMITS_HEADER, SUBJECT_HEADER, TENANT_HEADER, TRACE_HEADER

_NOBODY: Final = frozenset({"", "-", "-|-", "|"})
_PROBLEM: Final = "application/problem+json"


class MalformedQuestionError(ValueError):
    """A question that Envoy would not ask."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whether one request may go on."""

    takes: tuple[Take, ...]
    """Whose backlogs it adds to."""
    instance: str
    """Path of the request."""
    trace_id: str | None
    """Its trace."""

    @classmethod
    def read(cls, path: str, headers: Mapping[str, str]) -> Self:
        """Read a question.

        Args:
            path: Path of the request, with the query.
            headers: Headers that Envoy has set, by name in small letters.

        Returns:
            The question.

        Raises:
            MalformedQuestionError: It makes no sense.
        """
        try:
            asked = json.loads(headers[LIMITS_HEADER])
            service = str(asked["service"])
            takes = [_take(service, entry, headers) for entry in asked["limits"]]
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedQuestionError(f"the limits cannot be read: {error}") from error
        trace_id = headers.get(TRACE_HEADER, "")
        return cls(tuple(takes), path.partition("?")[0], trace_id if trace_id not in _NOBODY else None)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def reply_to(question: Question, decisions: Sequence[Decision]) -> Reply:
    """Say what was decided.

    Args:
        question: What was asked.
        decisions: What each limit decided.

    Returns:
        200, or 429 with a problem document; both tell where the caller stands.
    """
    headers = tuple(limit_headers(decisions))
    refused = [decision for decision in decisions if not decision.allowed]
    if not refused:
        return Reply(200, headers)
    worst = max(refused, key=lambda decision: decision.retry_after_us)
    limit, wait_s = worst.limit, -(-worst.retry_after_us // 1_000_000)
    return _problem(
        question,
        429,
        title="Too Many Requests",
        error_code="TOO_MANY_REQUESTS",
        detail=f"{limit.rule} allows {limit.limit} requests in {limit.period.total_seconds():g} s; wait {wait_s} s",
        rule=limit.rule,
        limit=limit.limit,
        retry_after=wait_s,
        headers=headers,
    )


def reply_uncounted(question: Question) -> Reply:
    """Say that the request cannot be counted now.

    Args:
        question: What was asked.

    Returns:
        503 with a problem document.
    """
    return _problem(
        question,
        503,
        title="Service unavailable",
        error_code="RATE_LIMIT_UNAVAILABLE",
        detail="requests cannot be counted now, and are not let through uncounted",
        rule="rate-limit-store-available",
        limit=None,
        retry_after=1,
        headers=(),
    )


def _take(service: str, entry: Sequence[object], headers: Mapping[str, str]) -> Take:
    rule, limit, period_us, burst, by = entry
    rate = RateLimit.model_validate(
        {"rule": rule, "limit": limit, "period": timedelta(microseconds=int(str(period_us))), "burst": burst, "by": ()}
    )
    if not isinstance(by, list):
        raise TypeError("what is counted apart is a list")
    address = headers.get(ADDRESS_HEADER, "")
    parts = []
    for aspect in by:
        header = {"subject": SUBJECT_HEADER, "tenant": TENANT_HEADER, "address": ADDRESS_HEADER}[aspect]
        value = headers.get(header, "")
        # Who cannot be told apart by name is told apart by address, and never shares a count with somebody of that name.
        parts.append(f"{aspect}:{value}" if value not in _NOBODY else f"address:{address}")
    # A hash: names and addresses do not lie about in the store, and keys have one length.
    names = "\0".join(f"{len(part)}:{part}" for part in parts)
    digest = hashlib.blake2b(names.encode(errors="replace"), digest_size=16).hexdigest()
    return Take(f"{service}:{rate.rule}:{digest}", rate)


def _problem(
    question: Question,
    status: int,
    *,
    title: str,
    error_code: str,
    detail: str,
    rule: str,
    limit: int | None,
    retry_after: int,
    headers: tuple[tuple[str, str], ...],
) -> Reply:
    document = {
        "type": f"urn:maestro:error:{error_code.lower().replace('_', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": question.instance,
        "error_code": error_code,
        "trace_id": question.trace_id,
        "rule": rule,
        **({} if limit is None else {"limit": limit, "violated-policies": [rule]}),
        "retry_after": retry_after,
    }
    own = (("Content-Type", _PROBLEM), ("Retry-After", str(retry_after)))
    return Reply(status, (*headers, *own), json.dumps(document, separators=(",", ":")).encode())
