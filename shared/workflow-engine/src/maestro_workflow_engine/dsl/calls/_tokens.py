"""Access tokens that are kept until they expire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

_LEEWAY_S = 30.0
_MOST = 1024


@dataclass(frozen=True)
class Token:
    """An access token."""

    value: str
    expires_s: float | None = None
    """When it expires, on the monotonic clock; None when the authority did not say."""
    refresh: str | None = None
    """The refresh token that came with it; None when there was none."""

    @property
    def is_fresh(self) -> bool:
        """Whether it lasts for another call. One whose end is not known is used once only."""
        return self.expires_s is not None and monotonic() < self.expires_s


def lasting(expires_in: float | None) -> float | None:
    """Return when a token is to be renewed: half a minute before its end, or after nine tenths of a short life."""
    if expires_in is None:
        return None
    return monotonic() + max(expires_in - _LEEWAY_S, expires_in * 0.9 if expires_in < 2 * _LEEWAY_S else 0.0)


class TokenCache:
    """Keeps tokens in memory; calls that need the same one at the same time wait for one request."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._asking: dict[str, asyncio.Future[Token]] = {}

    async def get(self, key: str, obtain: Callable[[str | None], Awaitable[Token]]) -> Token:
        """Return a token.

        Args:
            key: What it depends on.
            obtain: Gets a new one; it is given the last one's refresh token, if there was one.

        Returns:
            The token, kept or new.

        Raises:
            Exception: What `obtain` raised.
        """
        known = self._tokens.get(key)
        if known is not None and known.is_fresh:
            return known
        asking = self._asking.get(key)
        if asking is not None and asking.get_loop() is asyncio.get_running_loop():
            return await asyncio.shield(asking)
        task = asyncio.ensure_future(obtain(known.refresh if known else None))
        self._asking[key] = task
        try:
            token = await asyncio.shield(task)
        finally:
            if self._asking.get(key) is task:
                del self._asking[key]
        self._tokens.pop(key, None)
        while len(self._tokens) >= _MOST:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[key] = token
        return token

    def drop(self, key: str, token: str) -> None:
        """Forget a token that a server refused; a newer one stays."""
        known = self._tokens.get(key)
        if known is not None and known.value == token:
            del self._tokens[key]
