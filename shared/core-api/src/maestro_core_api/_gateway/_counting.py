"""The exact limits of services, for whoever counts in front of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from pydantic import SecretStr

from maestro_core_api._rate_limit_store import MemoryRateLimitStore, RateLimitStore, StoreUnavailableError
from maestro_core_api._rate_limit_valkey import ValkeyRateLimitStore
from maestro_core_api._rate_limiter import rate_limit_headers
from maestro_core_api._valkey import ValkeyConnection

LimitStore = RateLimitStore
LimitStoreUnavailableError = StoreUnavailableError
limit_headers = rate_limit_headers
_MAX_KEYS: Final = 100_000
_TIMEOUT: Final = timedelta(milliseconds=500)


@asynccontextmanager
async def opened_limit_store(
    valkey_url: SecretStr | None, *, namespace: str, max_keys: int = _MAX_KEYS, timeout: timedelta = _TIMEOUT
) -> AsyncIterator[LimitStore]:
    """Hold a store of backlogs open while the block runs.

    Args:
        valkey_url: Where processes share them (`valkey://host:6379`); None keeps them in this process.
        namespace: Keeps those who share a server apart.
        max_keys: How many callers are counted in the memory of a process.
        timeout: How long Valkey may take for an answer before it counts as away.

    Yields:
        The store. Valkey need not be there; `take` raises `LimitStoreUnavailableError` while it is away.
    """
    if valkey_url is None:
        yield MemoryRateLimitStore(max_keys=max_keys)
        return
    connection = ValkeyConnection(valkey_url, timeout=timeout)
    async with connection.opened():
        yield ValkeyRateLimitStore(connection, namespace)
