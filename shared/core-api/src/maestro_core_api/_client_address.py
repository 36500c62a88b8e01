"""Where a request comes from, behind proxies that are trusted to say so."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import Scope

UNKNOWN: Final = "unknown"
_IPV6_SITE_BITS: Final = 64
_Address = IPv4Address | IPv6Address


class ClientAddresses:
    """Finds the address of callers.

    `X-Forwarded-For` is read from its end, and only as long as the one who wrote an entry is a trusted proxy: what a caller
    puts in front of it changes nothing.

    Args:
        trusted_proxies: Addresses or networks of the proxies.
    """

    def __init__(self, trusted_proxies: Sequence[str] = ()) -> None:
        self._trusted = tuple(ip_network(network, strict=False) for network in trusted_proxies)

    def find(self, scope: Scope) -> str:
        """Return the address of a caller.

        Args:
            scope: ASGI scope of the request.

        Returns:
            The address; `unknown` when the server does not know it (a Unix socket).
        """
        peer = scope.get("client")
        if not peer:
            return UNKNOWN
        address = _parsed(peer[0])
        if address is None:
            return str(peer[0])
        if self._trusted and self._trusts(address):
            address = self._behind(address, scope)
        return str(address)

    def _behind(self, address: _Address, scope: Scope) -> _Address:
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        for entry in reversed(",".join(lines).split(",")):
            before = _parsed(entry.strip())
            if before is None:
                break
            address = before
            if not self._trusts(address):
                break
        return address

    def _trusts(self, address: _Address) -> bool:
        return any(address in network for network in self._trusted)


async def client_address(connection: HTTPConnection) -> str:
    """Give an endpoint the address of its caller, as `address: str = Depends(client_address)`.

    Args:
        connection: Filled in by FastAPI.

    Returns:
        The address; that of the proxy unless `SecurityConfig.trusted_proxies` names it; `unknown` on a Unix socket.
    """
    addresses = connection.app.protection.addresses
    assert isinstance(addresses, ClientAddresses)
    return addresses.find(connection.scope)


def address_group(address: str) -> str:
    """Return what counts as one caller when addresses are counted.

    Args:
        address: An address.

    Returns:
        The address; of an IPv6 address its /64 network, of which one caller has every address.
    """
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, _IPV6_SITE_BITS), strict=False))
    return address


def _parsed(text: str) -> _Address | None:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
