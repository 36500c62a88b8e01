"""Rate limits of a service: which apply to a request, what they decide, and what is said about it."""

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from starlette.types import Scope

from ._client_address import ClientAddresses, address_group
from ._exceptions import APIException, ServiceUnavailableException, TooManyRequestsException
from ._rate_limit import Decision, RateLimit
from ._rate_limit_config import RateLimitConfig
from ._rate_limit_store import MemoryRateLimitStore, RateLimitStore, StoreUnavailableError, Take
from ._request_info import request_info

if TYPE_CHECKING:
    from maestro_core_monitoring import MetricsCollector

Headers = list[tuple[str, str]]
_STORE_AWAY_S: Final = 1


class RateLimiter:
    """Asks the limits about requests.

    Args:
        config: What happens when the store is away.
        addresses: Finds the address of callers.
        metrics: Counts failures of the store.
        shared: Store that all processes share; None counts in this process alone.
    """

    def __init__(
        self,
        config: RateLimitConfig,
        *,
        addresses: ClientAddresses,
        metrics: "MetricsCollector",
        shared: RateLimitStore | None = None,
    ) -> None:
        self._addresses = addresses
        self._local = MemoryRateLimitStore(max_keys=config.max_keys)
        self._shared = shared
        self._when_unavailable = config.when_unavailable
        self._metrics = metrics

    async def admit(self, limits: Sequence[RateLimit], scope: Scope, route: str) -> Headers:
        """Count a request, or refuse it.

        Args:
            limits: Limits to ask.
            scope: ASGI scope of the request.
            route: Template of its route.

        Returns:
            Headers that tell the caller where it stands (draft-ietf-httpapi-ratelimit-headers-10).

        Raises:
            TooManyRequestsException: A limit is reached: the one that wants the longest wait.
            ServiceUnavailableException: The store is away, and requests are not let through uncounted.
        """
        return await self._take(
            [Take(key, limit) for limit in limits if (key := self._key(limit, scope, route)) is not None]
        )

    async def admit_for(self, limits: Sequence[RateLimit], whose: str) -> Headers:
        """Count something for somebody who is named, whoever sent the request, or refuse it.

        Args:
            limits: Limits to ask; their `by` says nothing here.
            whose: On whose account it goes.

        Returns:
            As for `admit`.

        Raises:
            APIException: As for `admit`.
        """
        return await self._take([Take(_named_key(limit.rule, [whose]), limit) for limit in limits])

    async def _take(self, takes: Sequence[Take]) -> Headers:
        if not takes:
            return []
        try:
            decisions = await (self._shared or self._local).take(takes)
        except StoreUnavailableError as error:
            decisions = await self._without_store(takes, error)
        headers = rate_limit_headers(decisions)
        refused = [decision for decision in decisions if not decision.allowed]
        if refused:
            raise _denial(max(refused, key=lambda decision: decision.retry_after_us), headers)
        return headers

    async def _without_store(self, takes: Sequence[Take], error: StoreUnavailableError) -> list[Decision]:
        self._metrics.counter(
            "service_rate_limit_store_failures_total",
            "Requests for which the store of rate limits could not be asked, by what was done instead.",
            ("service", "outcome"),
        ).labels(self._metrics.service_name, self._when_unavailable).inc()
        if self._when_unavailable == "local":
            return await self._local.take(takes)
        if self._when_unavailable == "allow":
            return []
        raise ServiceUnavailableException(
            detail="requests cannot be counted now, and are not let through uncounted",
            error_code="RATE_LIMIT_UNAVAILABLE",
            rule="rate-limit-store-available",
            retry_after=_STORE_AWAY_S,
            headers={"Retry-After": str(_STORE_AWAY_S)},
        ) from error

    def _key(self, limit: RateLimit, scope: Scope, route: str) -> str | None:
        """Return whose backlog a request adds to; None when the limit is not for this request."""
        parts = []
        principal = request_info(scope).principal
        for aspect in limit.by:
            if aspect == "api_key":
                if principal is None or principal.key_id is None:
                    return None
                parts.append(principal.key_id)
            elif aspect == "tenant" and principal is not None:
                parts.append(principal.tenant or "")
            elif aspect == "route":
                parts.append(route)
            elif aspect == "caller" and principal is not None:
                parts.append(principal.identity)
            else:
                parts.append(address_group(self._addresses.find(scope)))
        return _named_key(limit.rule, parts)


def rate_limit_headers(decisions: Sequence[Decision]) -> Headers:
    """Return the headers that tell a caller where it stands.

    Args:
        decisions: What the limits decided.

    Returns:
        `RateLimit-Policy` (q: how many, w: in how many seconds) and `RateLimit` (r: how many are left, t: seconds until all are).
    """
    if not decisions:
        return []
    policies, states = [], []
    for decision in decisions:
        limit = decision.limit
        policies.append(f'"{limit.rule}";q={limit.limit};w={math.ceil(limit.period.total_seconds())}')
        states.append(f'"{limit.rule}";r={decision.remaining};t={_seconds(decision.full_after_us)}')
    return [("RateLimit-Policy", ", ".join(policies)), ("RateLimit", ", ".join(states))]


def _named_key(rule: str, parts: Sequence[str]) -> str:
    # A hash: names and addresses do not lie about in the store, and keys have one length.
    names = "\0".join(f"{len(part)}:{part}" for part in parts)
    return f"{rule}:{hashlib.blake2b(names.encode(errors='replace'), digest_size=16).hexdigest()}"


def _denial(decision: Decision, headers: Headers) -> APIException:
    limit, wait_s = decision.limit, _seconds(decision.retry_after_us)
    # The member that the headers' draft gives to problem documents.
    violated: dict[str, Any] = {"violated-policies": [limit.rule]}
    return TooManyRequestsException(
        detail=f"{limit.rule} allows {limit.limit} requests in {limit.period.total_seconds():g} s; wait {wait_s} s",
        rule=limit.rule,
        limit=limit.limit,
        retry_after=wait_s,
        headers={**dict(headers), "Retry-After": str(wait_s)},
        **violated,
    )


def _seconds(microseconds: int) -> int:
    return -(-microseconds // 1_000_000)
