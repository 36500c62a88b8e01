"""Refresh tokens: how they look, and what is kept of them."""

import hashlib
import hmac
import re
import secrets
from typing import Final

PREFIX: Final = "mrt"
_FORM: Final = re.compile(rf"{PREFIX}_([0-9a-f]{{32}})_([A-Za-z0-9_-]{{43}})")


def new_refresh_token(pepper: bytes) -> tuple[str, str, str]:
    """Make a refresh token: 256 random bits, so that its hash need not be slow.

    Args:
        pepper: Key of the hash.

    Returns:
        The token, to be given to its user alone; its id; and the hash that is kept.
    """
    token_id, secret = secrets.token_hex(16), secrets.token_urlsafe(32)
    return f"{PREFIX}_{token_id}_{secret}", token_id, _hash(token_id, secret, pepper)


def read_refresh_token(token: str) -> tuple[str, str] | None:
    """Take a token apart.

    Args:
        token: As it was sent.

    Returns:
        Its id and its secret; None when it is none.
    """
    found = _FORM.fullmatch(token)
    return None if found is None else (found[1], found[2])


def is_secret_of(token_id: str, secret: str, kept: str, pepper: bytes) -> bool:
    """Tell whether a secret belongs to a token, in a time that does not depend on where they differ.

    Args:
        token_id: The token's id.
        secret: The secret that was sent.
        kept: The hash that is kept.
        pepper: Key of the hash.
    """
    return hmac.compare_digest(_hash(token_id, secret, pepper), kept)


def _hash(token_id: str, secret: str, pepper: bytes) -> str:
    return hmac.new(pepper, f"{PREFIX}:{token_id}:{secret}".encode(), hashlib.sha256).hexdigest()
