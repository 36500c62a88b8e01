"""The certificates that this machine trusts."""

from __future__ import annotations

import ssl
from functools import cache

import httpx2


@cache
def trusted_certificates() -> ssl.SSLContext:
    """Return what HTTPS connections are checked with. Loading them takes longer than most calls: all clients share them."""
    return httpx2.create_ssl_context()
