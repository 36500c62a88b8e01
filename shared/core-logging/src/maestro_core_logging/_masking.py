"""Values whose key says that they are secret do not reach the log."""

from __future__ import annotations

import itertools
import re
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

MASK = "**********"
_SECRET_WORDS = frozenset(
    [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "authorization",
        "cookie",
        "credential",
        "credentials",
        "apikey",
        "jwt",
    ]
)
_SECRET_PAIRS = frozenset({("api", "key"), ("private", "key"), ("access", "key"), ("signing", "key")})
_MAX_DEPTH = 6


@lru_cache(maxsize=4096)
def is_secret_key(key: str) -> bool:
    """Tell whether a key names a secret: `db_password`, `X-Api-Key`, `accessToken`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)
    words = [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]
    return not _SECRET_WORDS.isdisjoint(words) or any(pair in _SECRET_PAIRS for pair in itertools.pairwise(words))


def mask_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask secret values of a log event, nested ones too (a structlog processor)."""
    for key, value in event.items():
        if is_secret_key(key):
            event[key] = MASK
        elif isinstance(value, (dict, list, tuple)):
            event[key] = _masked(value, _MAX_DEPTH)
    return event


def _masked(value: Any, depth: int) -> Any:
    if depth == 0:
        return value
    if isinstance(value, dict):
        return {
            key: MASK if isinstance(key, str) and is_secret_key(key) else _masked(item, depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_masked(item, depth - 1) for item in value]
    return value
