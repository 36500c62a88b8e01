"""Signatures of webhooks: Standard Webhooks (standardwebhooks.com, specification 1.0.0) and GitHub's. Rules only."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from .errors import SignatureError

PREFIX: Final = "whsec_"
_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_LEAST_BYTES, _MOST_BYTES = 24, 64
_LEAST_CHARACTERS: Final = 16
_MOST_SIGNATURES: Final = 20


@dataclass(frozen=True, slots=True)
class Verified:
    """A request whose signature is good."""

    key: str
    """What tells it from every other delivery of its trigger."""
    sender_id: str | None
    """The id that the sender gave it; None when it gave none."""


def new_secret() -> str:
    """Make a key: 32 random bytes in the form of Standard Webhooks, which is text that will do for GitHub too."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def secret_fault(secret: str, scheme: str) -> str | None:
    """Say what is wrong with a key.

    Args:
        secret: The key as it was given.
        scheme: `standard` or `github`.

    Returns:
        The fault in words, without the key; None when there is none.
    """
    if scheme == "github":
        return None if len(secret) >= _LEAST_CHARACTERS else f"must have at least {_LEAST_CHARACTERS} characters"
    if not secret.startswith(PREFIX):
        return f"must be {PREFIX}, followed by base64"
    try:
        size = len(base64.b64decode(secret[len(PREFIX) :], validate=True))
    except binascii.Error:
        return f"must be base64 behind {PREFIX}"
    if not _LEAST_BYTES <= size <= _MOST_BYTES:
        return f"must be base64 of {_LEAST_BYTES} to {_MOST_BYTES} bytes"
    return None


def verify(
    scheme: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets_: Sequence[str],
    now: datetime,
    tolerance: timedelta,
) -> Verified:
    """Check a request.

    Args:
        scheme: `standard` or `github`.
        headers: Its headers, names in lower case.
        body: Its body, to the byte.
        secrets_: The keys, any of which will do.
        now: The present.
        tolerance: How far its timestamp may be from it.

    Returns:
        What it is known by.

    Raises:
        SignatureError: It is not what its sender signed, or comes too late or too early.
    """
    if scheme == "github":
        return _verify_github(headers, body, secrets_)
    return _verify_standard(headers, body, secrets_, now, tolerance)


def standard_headers(secret: str, message_id: str, timestamp: datetime, body: bytes) -> dict[str, str]:
    """Sign as Standard Webhooks does.

    Args:
        secret: The key, `whsec_…`.
        message_id: The message's id.
        timestamp: When it is sent.
        body: Its body.

    Returns:
        The headers to send along.
    """
    at = str(int(timestamp.timestamp()))
    signature = base64.b64encode(_standard_mac(secret, message_id, at, body)).decode()
    return {"webhook-id": message_id, "webhook-timestamp": at, "webhook-signature": f"v1,{signature}"}


def _verify_standard(
    headers: Mapping[str, str], body: bytes, keys: Sequence[str], now: datetime, tolerance: timedelta
) -> Verified:
    message_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not message_id or not at or not given:
        raise SignatureError(
            "signature-present",
            "webhook-id, webhook-timestamp and webhook-signature are needed, as in Standard Webhooks",
        )
    if not _ID.fullmatch(message_id):
        raise SignatureError("webhook-id", "webhook-id must be 1 to 200 visible ASCII characters")
    if not _TIMESTAMP.fullmatch(at):
        raise SignatureError("webhook-timestamp", "webhook-timestamp must be a whole number of seconds since 1970")
    offered = []
    for part in given.split(" ")[:_MOST_SIGNATURES]:
        version, _, text = part.partition(",")
        if version == "v1":
            offered.append(text.encode())
    # Every key is tried with every signature, and all in constant time: how long it takes says nothing about either.
    good = False
    for key in keys:
        wanted = base64.b64encode(_standard_mac(key, message_id, at, body))
        for signature in offered:
            good |= hmac.compare_digest(wanted, signature)
    if not good:
        raise SignatureError("signature-valid", "no signature of the request fits any key of the trigger")
    # Only after the signature: whoever cannot sign does not learn what time it is here.
    if abs(now.timestamp() - int(at)) > tolerance.total_seconds():
        raise SignatureError(
            "timestamp-tolerance",
            f"webhook-timestamp is more than {tolerance.total_seconds():g} s from the present; sign each attempt anew",
        )
    return Verified(message_id, message_id)


def _verify_github(headers: Mapping[str, str], body: bytes, keys: Sequence[str]) -> Verified:
    given = headers.get("x-hub-signature-256", "")
    if not given:
        raise SignatureError(
            "signature-present", "X-Hub-Signature-256 is needed: sha256= and the HMAC of the body in hex"
        )
    good = False
    for key in keys:
        wanted = "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        good |= hmac.compare_digest(wanted.encode(), given.encode())
    if not good:
        raise SignatureError("signature-valid", "X-Hub-Signature-256 fits no key of the trigger")
    # The delivery's id is not signed, so a replay could carry any: the content alone tells deliveries apart.
    return Verified(f"sha256:{hashlib.sha256(body).hexdigest()}", headers.get("x-github-delivery", "")[:200] or None)


def _standard_mac(secret: str, message_id: str, at: str, body: bytes) -> bytes:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return hmac.new(key, b".".join((message_id.encode(), at.encode(), body)), hashlib.sha256).digest()
