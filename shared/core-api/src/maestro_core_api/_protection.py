"""What stands between a service and its callers, put together: who they are, how much they may send, what is answered once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from maestro_core_monitoring import MetricsCollector

from ._authenticator import Authenticator
from ._client_address import ClientAddresses
from ._config import APIConfig
from ._cursor import CursorCodec
from ._denial_counter import DenialCounter
from ._guard import AuthGuard
from ._idempotency_layer import IdempotencyLayer
from ._idempotency_store import IdempotencyStore, MemoryIdempotencyStore
from ._idempotency_valkey import ValkeyIdempotencyStore
from ._key_store import KeyStore
from ._rate_limit_layer import RateLimitLayer
from ._rate_limit_valkey import ValkeyRateLimitStore
from ._rate_limiter import RateLimiter
from ._refusal_docs import describe_refusals
from ._valkey import ValkeyConnection


class Protection:
    """The layers of one service and what they share.

    Args:
        config: The service's options.
        metrics: The service's metrics.
        key_store: Where API keys are kept; None accepts none.

    Attributes:
        authenticator: Recognises callers.
        addresses: Finds the address of callers.
        rate_limiter: Asks rate limits.
        cursors: Writes and reads cursors of pages.
    """

    def __init__(self, config: APIConfig, *, metrics: MetricsCollector, key_store: KeyStore | None) -> None:
        self._config = config
        self._denials = DenialCounter(metrics) if config.enable_metrics else None
        self._valkey = (
            None if config.valkey_url is None else ValkeyConnection(config.valkey_url, timeout=config.valkey_timeout)
        )
        self.authenticator = Authenticator(config.security, config.service_name, key_store=key_store)
        self.addresses = ClientAddresses(config.security.trusted_proxies)
        self.cursors = CursorCodec(config.security.jwt_secret_key)
        self.rate_limiter = RateLimiter(
            config.rate_limits,
            addresses=self.addresses,
            metrics=metrics,
            shared=None if self._valkey is None else ValkeyRateLimitStore(self._valkey, config.service_name),
        )

    def before_bodies(self, routes: Sequence[BaseRoute], open_paths: frozenset[str]) -> list[Middleware]:
        """Return the layers that judge a request by its head, outermost first.

        Args:
            routes: The application's routes; the list may grow.
            open_paths: Paths that anybody may call as often as they like.
        """
        limits = self._config.rate_limits.limits
        anonymous = [limit for limit in limits if not {"caller", "tenant", "api_key"} & set(limit.by)]
        known = [limit for limit in limits if limit not in anonymous]
        shared: dict[str, Any] = {"routes": routes, "open_paths": open_paths}
        layers = [Middleware(AuthGuard, authenticator=self.authenticator, denials=self._denials, **shared)]
        if anonymous:
            outer: dict[str, Any] = {"limiter": self.rate_limiter, "limits": anonymous, "denials": self._denials}
            layers.insert(0, Middleware(RateLimitLayer, **outer, **shared))
        if known:
            layers.append(Middleware(RateLimitLayer, limiter=self.rate_limiter, limits=known, **shared))
        return layers

    def before_endpoints(self, routes: Sequence[BaseRoute]) -> list[Middleware]:
        """Return the layers that stand inside of the limit for bodies, outermost first.

        Args:
            routes: The application's routes; the list may grow.
        """
        config = self._config.idempotency
        return [
            Middleware(
                IdempotencyLayer,
                store=self._idempotency_store(),
                config=config,
                routes=routes,
                addresses=self.addresses,
            )
        ]

    def describe(self, schema: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
        """Add to the OpenAPI document, in place, how callers are recognised and refused.

        Args:
            schema: The document.
            routes: The application's routes.
        """
        if self.authenticator.api_key_header is not None:
            schema["components"]["securitySchemes"]["apiKey"] = {
                "type": "apiKey",
                "in": "header",
                "name": self.authenticator.api_key_header,
                "description": "Key of a machine; `Authorization: Bearer` takes one as well.",
            }
            schema["security"].append({"apiKey": []})
        describe_refusals(schema, routes, self._config.rate_limits.limits)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold open what the layers need while the block runs."""
        async with AsyncExitStack() as stack:
            if self._valkey is not None:
                await stack.enter_async_context(self._valkey.opened())
            yield

    def _idempotency_store(self) -> IdempotencyStore:
        config = self._config.idempotency
        run_again = config.after_failure == "run_again"
        if self._valkey is not None:
            return ValkeyIdempotencyStore(
                self._valkey, self._config.service_name, keep=config.keep, lease=config.lease, run_again=run_again
            )
        return MemoryIdempotencyStore(
            keep=config.keep,
            lease=config.lease,
            run_again=run_again,
            max_records=config.max_records,
            max_bytes=config.max_memory_bytes,
        )
