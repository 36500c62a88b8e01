"""HTTP digest authentication (RFC 7616): answering a server's challenge."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from maestro_workflow_engine.dsl._http import HttpRequest

_CHALLENGE = re.compile(r"(?:^|,)\s*digest\s+(.*?)(?=,\s*[a-z][a-z0-9-]*\s+[a-z]+=|$)", re.IGNORECASE | re.DOTALL)
_PAIR = re.compile(r'([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_ALGORITHMS: Mapping[str, Callable[[bytes], str]] = {
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
"""The best first."""


@dataclass(frozen=True)
class Challenge:
    """What a server asks."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    """A name of RFC 7616, in capitals, perhaps with "-SESS"."""
    opaque: str | None = None
    qop: str | None = None
    """"auth" or "auth-int"; None for a server from before RFC 2617."""

    def answer(self, request: HttpRequest, username: str, password: str) -> str:
        """Return the Authorization header.

        Args:
            request: The request that was refused.
            username: Who asks.
            password: How they prove it.

        Returns:
            The header's value.
        """
        digest = _ALGORITHMS[self.algorithm.removesuffix("-SESS")]
        parts = urlsplit(request.url)
        uri = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        client, count = secrets.token_hex(8), "00000001"
        first = digest(f"{username}:{self.realm}:{password}".encode())
        if self.algorithm.endswith("-SESS"):
            first = digest(f"{first}:{self.nonce}:{client}".encode())
        asked = f"{request.method}:{uri}"
        if self.qop == "auth-int":
            asked += f":{digest(request.content)}"
        second = digest(asked.encode())
        joined = f"{first}:{self.nonce}:{second}"
        if self.qop:
            joined = f"{first}:{self.nonce}:{count}:{client}:{self.qop}:{second}"
        quoted = {"username": username, "realm": self.realm, "nonce": self.nonce, "uri": uri}
        quoted["response"] = digest(joined.encode())
        if self.opaque is not None:
            quoted["opaque"] = self.opaque
        plain = {"algorithm": self.algorithm.replace("-SESS", "-sess")}
        if self.qop:
            plain |= {"qop": self.qop, "nc": count}
            quoted["cnonce"] = client
        told = [*(f'{name}="{_escaped(value)}"' for name, value in quoted.items())]
        return "Digest " + ", ".join([*told, *(f"{name}={value}" for name, value in plain.items())])


def find_challenge(header: str) -> Challenge | None:
    """Read a WWW-Authenticate header.

    Args:
        header: Its value, several challenges joined by commas.

    Returns:
        The digest challenge with the best algorithm; None when there is none that is known.
    """
    found = []
    for match in _CHALLENGE.finditer(header):
        pairs = {name.lower(): quoted or plain for name, quoted, plain in _PAIR.findall(match[1])}
        algorithm = pairs.get("algorithm", "MD5").upper()
        if "nonce" not in pairs or algorithm.removesuffix("-SESS") not in _ALGORITHMS:
            continue
        offered = [word.strip() for word in pairs.get("qop", "").split(",") if word.strip()]
        qop = next((word for word in ("auth", "auth-int") if word in offered), None)
        if offered and qop is None:
            continue
        found.append(Challenge(pairs.get("realm", ""), pairs["nonce"], algorithm, pairs.get("opaque"), qop))
    order = list(_ALGORITHMS)
    return min(found, key=lambda challenge: order.index(challenge.algorithm.removesuffix("-SESS")), default=None)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
