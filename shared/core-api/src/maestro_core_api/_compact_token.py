"""The compact form of a signed token (RFC 7515), read more strictly than the RFC asks."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from joserfc.util import urlsafe_b64decode

_PARTS: Final = re.compile(rb"[A-Za-z0-9_-]+")
_MAX_KID: Final = 256
# Types of tokens that are for something else (RFC 8725, 3.11) are refused: a logout token is no access token.
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
# What these ask for is not done here: understanding extensions, decompressing, leaving the payload as it is.
_REFUSED: Final = ("crit", "zip", "b64", "enc")


class TokenRefusedError(Exception):
    """A token that is not acceptable.

    Args:
        detail: What is wrong with it, in words that repeat nothing from it.
        rule: The rule that was broken.
    """

    def __init__(self, detail: str, rule: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.rule = rule


@dataclass(frozen=True, slots=True)
class CompactToken:
    """A token in its parts; nothing of it is proved yet."""

    algorithm: str
    """The header's `alg`."""
    key_id: str | None
    """The header's `kid`."""
    claims: dict[str, Any]
    """The payload."""
    signed: bytes
    """What the signature is about."""
    signature: bytes
    """The signature."""


def read_compact(token: bytes) -> CompactToken:
    """Take a token apart.

    `jku`, `x5u`, `jwk` and `x5c` in the header are not even read: keys come from the configuration, never from the token.

    Args:
        token: The token as it was sent.

    Returns:
        Its parts.

    Raises:
        TokenRefusedError: It is malformed, ambiguous, or wants something that is not done here.
    """
    parts = token.split(b".")
    if len(parts) != 3 or not all(_PARTS.fullmatch(part) for part in parts):
        raise TokenRefusedError("the token is malformed: it does not have three parts of base64url", "token-format")
    header = _object(parts[0], "header")
    claims = _object(parts[1], "payload")
    for name in _REFUSED:
        if name in header:
            raise TokenRefusedError(f"the header of the token has {name!r}, which is not supported", "token-header")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise TokenRefusedError("the token is not an access token: its 'typ' is another", "token-type")
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        raise TokenRefusedError("the header of the token names no algorithm", "token-algorithm")
    if key_id is not None and not (isinstance(key_id, str) and 0 < len(key_id) <= _MAX_KID):
        raise TokenRefusedError("the 'kid' of the token is not a short text", "token-header")
    return CompactToken(algorithm, key_id, claims, parts[0] + b"." + parts[1], _bytes(parts[2], "signature"))


def _object(part: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(_bytes(part, name), object_pairs_hook=_once_each, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise TokenRefusedError(f"the token is malformed: its {name} is not plain JSON", "token-format") from error
    if not isinstance(value, dict):
        raise TokenRefusedError(f"the token is malformed: its {name} is not an object", "token-format")
    return value


def _bytes(part: bytes, name: str) -> bytes:
    try:
        return urlsafe_b64decode(part)
    except ValueError as error:
        raise TokenRefusedError(f"the token is malformed: its {name} is not base64url", "token-format") from error


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two parties that read the same token must not see different claims (RFC 7519, 4).
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
