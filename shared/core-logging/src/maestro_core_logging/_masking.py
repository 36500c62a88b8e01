"""Values whose key says that they are secret do not reach the log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

MASK: Final = "**********"
_CUT: Final = "…"
_MAX_DEPTH: Final = 20

_LAST_WORDS: Final = frozenset(
    {"secret", "secrets", "token", "authorization", "cookie", "cookies", "credential", "credentials", "apikey", "jwt"}
)
_ANY_WORDS: Final = frozenset({"password", "passwords", "passwd", "passphrase", "pwd"})
_KEY_KINDS: Final = frozenset({"api", "private", "access", "signing", "secret", "encryption"})
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=10_000)
def is_secret_key(key: str) -> bool:
    """Tell whether a key names a secret.

    Args:
        key: Such as `db_password`, `X-Api-Key`, `accessToken`; not `token_count` and not `max_tokens`.

    Returns:
        Whether its value must not be shown.
    """
    words = [word for word in _SEPARATORS.split(_CAMEL.sub("_", key).lower()) if word]
    if not words:
        return False
    return (
        words[-1] in _LAST_WORDS
        or not _ANY_WORDS.isdisjoint(words)
        or (words[-1] in ("key", "keys") and len(words) > 1 and words[-2] in _KEY_KINDS)
    )


def masked(value: Any, _around: tuple[int, ...] = ()) -> Any:
    """Mask what is secret inside a value.

    Args:
        value: Any value; mappings and lists are looked into.

    Returns:
        The value, or a copy without secrets; what contains itself, or is nested very deep, is cut off.
    """
    if isinstance(value, str) or not isinstance(value, (Mapping, list, tuple)):
        return value
    if id(value) in _around or len(_around) >= _MAX_DEPTH:
        return _CUT
    around = (*_around, id(value))
    if isinstance(value, Mapping):
        return {
            key: MASK if isinstance(key, str) and is_secret_key(key) and item is not None else masked(item, around)
            for key, item in value.items()
        }
    return [masked(item, around) for item in value]
