"""What a registration may ask of the registry's probes."""

import ipaddress
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from ._errors import Fault
from ._health import HealthCheck

# RFC 3986, section 3.3: segments of a path. Anything else could name another host or a second request.
_PATH: Final = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@/-]{0,254})?")
_INTERVALS: Final = (timedelta(seconds=1), timedelta(minutes=5))
_TIMEOUTS: Final = (timedelta(milliseconds=100), timedelta(seconds=30))
_MAX_IN_A_ROW: Final = 10
# Clouds that put the metadata of a machine outside the link-local networks.
_METADATA: Final = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200")))


def health_faults(check: HealthCheck, url: str) -> Iterator[Fault]:
    """Find what is wrong with a health check.

    Args:
        check: What is asked for.
        url: Where the instance answers.

    Yields:
        Each fault, by the field's name on the wire.
    """
    if not _PATH.fullmatch(check.path):
        yield Fault("health_path", "must be a path of at most 256 characters that begins with one '/', without a query")
    elif (reason := why_not_probed(_host(url))) is not None:
        yield Fault("health_path", f"cannot be probed: {reason}")
    if not _INTERVALS[0] <= check.interval <= _INTERVALS[1]:
        yield Fault("health_interval_s", "must be from 1 s to 300 s")
    if not _TIMEOUTS[0] <= check.timeout <= min(_TIMEOUTS[1], max(check.interval, _TIMEOUTS[0])):
        yield Fault("health_timeout_s", "must be from 0.1 s to 30 s, and no longer than health_interval_s")
    for field, count in (("unhealthy_after", check.unhealthy_after), ("healthy_after", check.healthy_after)):
        if not 1 <= count <= _MAX_IN_A_ROW:
            yield Fault(field, f"must be from 1 to {_MAX_IN_A_ROW}")


def why_not_probed(host: str) -> str | None:
    """Tell why the registry sends no probe to an address.

    Machines answer on link-local addresses with what only they should know (the metadata of a cloud, for one), and whoever
    may register must not reach that through the registry.

    Args:
        host: An IP address, or a name.

    Returns:
        The reason; None when it may be probed. Of a name nothing is known before it is resolved.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    reserved = address.is_reserved and not address.is_loopback
    if address.is_link_local or address.is_multicast or address.is_unspecified or reserved or address in _METADATA:
        return f"{address} is no address of a service (link-local, metadata, multicast, reserved or unspecified)"
    return None


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""  # the address itself is at fault, and has a fault of its own
