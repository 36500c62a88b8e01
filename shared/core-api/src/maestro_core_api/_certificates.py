"""The certificates that this machine trusts."""

import ssl
from functools import cache


@cache
def trusted_certificates() -> ssl.SSLContext:
    """Return what HTTPS connections are checked with: the certificates of the system.

    Loading them takes longer than most calls, and holds the event loop up meanwhile, so all clients of a process share them.

    Returns:
        The context, which is for use only: whoever wants other certificates makes another one.
    """
    import httpx2  # noqa: PLC0415 - a service that calls nobody starts without it

    return httpx2.create_ssl_context(trust_env=False)
