"""Signed statements by which a client authenticates itself (RFC 7523, client_secret_jwt)."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from time import time
from uuid import uuid4

_LIFETIME_S = 300


def secret_assertion(client: str, secret: str, audience: str) -> str:
    """Sign an assertion with the client's secret (HS256).

    Args:
        client: The client's id.
        secret: Its secret.
        audience: The token endpoint.

    Returns:
        A compact JWT that is valid for five minutes.
    """
    now = int(time())
    claims = {"iss": client, "sub": client, "aud": audience, "jti": str(uuid4()), "iat": now, "exp": now + _LIFETIME_S}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_encoded(signature)}"


def _part(value: dict[str, object]) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
