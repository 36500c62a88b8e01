"""Where the keys of an issuer come from: the configuration, or an address that is asked now and then."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

import httpx2

from maestro_core_logging import get_logger

from ._certificates import trusted_certificates
from ._key_set import KeySet

if TYPE_CHECKING:
    from ._security_config import TrustedIssuer

_MAX_DOCUMENT_BYTES: Final = 512 * 1024
_FETCH_FAILED: Final = (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError, RecursionError)
_LOGGER: Final = get_logger("maestro_core_api.jwks")


class KeysUnavailableError(Exception):
    """There are no keys of an issuer, and they cannot be fetched now.

    Args:
        issuer: Name of the issuer.
        retry_after: When it is worth trying again.
    """

    def __init__(self, issuer: str, retry_after: timedelta) -> None:
        super().__init__(f"the keys of {issuer} cannot be fetched")
        self.issuer = issuer
        self.retry_after = retry_after


class KeySource(Protocol):
    """Gives the keys of one issuer."""

    max_age_s: float
    """How long a token may be believed without asking again; infinite for keys that do not change."""

    async def current(self) -> KeySet:
        """Return the keys as they are known; fetched only when there are none or they are too old."""
        ...

    async def renewed(self) -> KeySet:
        """Return the keys, fetched anew unless that was done a moment ago."""
        ...


class FixedKeys:
    """Keys that stand in the configuration.

    Args:
        keys: The keys.
    """

    max_age_s = float("inf")

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    async def current(self) -> KeySet:
        """Return the keys."""
        return self._keys

    async def renewed(self) -> KeySet:
        """Return the keys."""
        return self._keys


class FetchedKeys:
    """Keys that an issuer publishes.

    At most one fetch runs at a time, and at most one starts in each `refetch_interval`: tokens with made-up key ids cannot
    make the service flood the issuer. While the issuer is away, the keys that are known stay in force.

    Args:
        issuer: Whose keys, where they are and how long they count.
        clock: Seconds that only grow.
    """

    def __init__(self, issuer: "TrustedIssuer", *, clock: Callable[[], float] = time.monotonic) -> None:
        assert issuer.jwks_url is not None
        self.max_age_s = issuer.keys_max_age.total_seconds()
        self._issuer = issuer
        self._url = issuer.jwks_url
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetch: asyncio.Task[None] | None = None

    async def current(self) -> KeySet:
        """Return the keys; a fetch is waited for only when there are none that may still be used.

        Raises:
            KeysUnavailableError: There are none and they cannot be fetched.
        """
        age = self._clock() - self._fetched_at
        if self._keys is None or age > self.max_age_s + self._issuer.keys_max_stale.total_seconds():
            return await self.renewed()
        if age > self.max_age_s:
            self._begin()
        return self._keys

    async def renewed(self) -> KeySet:
        """Return the keys after a fetch, which is left out when one was tried within `refetch_interval`.

        Raises:
            KeysUnavailableError: There are none that may still be used.
        """
        fetch = self._begin()
        if fetch is not None:
            # Shielded: whoever hangs up does not take the fetch away from the others who wait for it.
            await asyncio.shield(fetch)
        age = self._clock() - self._fetched_at
        if self._keys is None or age > self.max_age_s + self._issuer.keys_max_stale.total_seconds():
            wait_s = self._issuer.refetch_interval.total_seconds() - (self._clock() - self._tried_at)
            raise KeysUnavailableError(self._issuer.issuer, timedelta(seconds=max(wait_s, 1)))
        return self._keys

    def _begin(self) -> asyncio.Task[None] | None:
        """Return the fetch that runs, or begin one; None when the last one was tried too short a time ago."""
        loop = asyncio.get_running_loop()
        if self._fetch is not None and not self._fetch.done() and self._fetch.get_loop() is loop:
            return self._fetch
        if self._clock() - self._tried_at < self._issuer.refetch_interval.total_seconds():
            return None
        self._tried_at = self._clock()
        self._fetch = loop.create_task(self._try(), name=f"jwks {self._issuer.issuer}")
        return self._fetch

    async def _try(self) -> None:
        try:
            self._keys = await self._fetched()
        except _FETCH_FAILED as error:
            _LOGGER.warning(
                "The keys of an issuer could not be fetched; the ones known stay in force",
                issuer=self._issuer.issuer,
                url=self._url,
                error=str(error) or type(error).__name__,
                known=self._keys is not None,
            )
        else:
            self._fetched_at = self._clock()

    async def _fetched(self) -> KeySet:
        # A client of its own for each fetch: fetches are minutes apart, and no connection has to outlive an event loop. It does
        # not follow redirects, which would let the address of the keys be changed by whoever answers there.
        timeout = self._issuer.fetch_timeout.total_seconds()
        async with (
            asyncio.timeout(timeout),
            httpx2.AsyncClient(timeout=timeout, verify=trusted_certificates(), trust_env=False) as client,
            client.stream(
                "GET", self._url, headers={"Accept": "application/jwk-set+json, application/json"}
            ) as response,
        ):
            if response.status_code != 200:
                raise ValueError(f"the answer was {response.status_code}")
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_DOCUMENT_BYTES:
                    raise ValueError(f"the answer has more than {_MAX_DOCUMENT_BYTES} bytes")
        return KeySet.from_jwks(json.loads(body))


def key_source(issuer: "TrustedIssuer") -> KeySource:
    """Return where an issuer's keys come from.

    Args:
        issuer: The issuer.

    Returns:
        The source.

    Raises:
        ValueError: The key set in the configuration cannot be used.
    """
    if issuer.jwks is not None:
        return FixedKeys(KeySet.from_jwks(issuer.jwks))
    return FetchedKeys(issuer)
