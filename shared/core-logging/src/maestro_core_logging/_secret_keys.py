"""Keys that say of a value that it is secret."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from maestro_core_logging._options import Masking

_LAST_WORDS: Final = frozenset(
    {
        "secret", "secrets", "token", "authorization", "cookie", "cookies", "credential", "credentials", "apikey", "jwt",
        "cvv", "cvc", "ssn", "iban",
    }
)  # fmt: skip
_ANY_WORDS: Final = frozenset({"password", "passwords", "passwd", "passphrase", "pwd"})
_KEY_KINDS: Final = frozenset({"api", "private", "access", "signing", "secret", "encryption"})
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")


def secret_keys(masking: Masking) -> Callable[[str], bool]:
    """Return what tells whether a key names a secret.

    Args:
        masking: Which keys count beside the usual ones, and which do not.

    Returns:
        A function of a key such as `db_password`, `X-Api-Key`, `accessToken`; not `token_count` and not `max_tokens`. It
        remembers its answers.
    """
    more = tuple(words_of(key) for key in masking.keys)
    shown = frozenset(words_of(key) for key in masking.shown_keys)

    @lru_cache(maxsize=10_000)
    def is_secret(key: str) -> bool:
        words = words_of(key)
        if not words or words in shown:
            return False
        return _is_usual(words) or any(words[-len(each) :] == each for each in more if each)

    return is_secret


def _is_usual(words: tuple[str, ...]) -> bool:
    return (
        words[-1] in _LAST_WORDS
        or not _ANY_WORDS.isdisjoint(words)
        or (words[-1] in ("key", "keys") and len(words) > 1 and words[-2] in _KEY_KINDS)
        or words[-2:] == ("card", "number")
    )


def words_of(key: str) -> tuple[str, ...]:
    """Return the words of a key, in lower case: of `userEmail`, `user` and `email`."""
    return tuple(word for word in _SEPARATORS.split(_CAMEL.sub("_", key).lower()) if word)
