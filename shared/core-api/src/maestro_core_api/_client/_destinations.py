"""Where calls go: by address, below the base URL, or to a service found through the registry."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx2

from maestro_core_api._exceptions import (
    APIException,
    BadGatewayException,
    RemoteAPIException,
    ServiceUnavailableException,
)
from maestro_core_api._resolver import SCHEME, LiveInstance

Get = Callable[[str], Awaitable[httpx2.Response]]
"""Asks for an address once, without retries."""

_ADDRESSES: Final = ("http", "https")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a call goes, before a service's instances are known."""

    url: str
    """Absolute, or `service://`."""
    peer: str
    """Name of the service; host and port of an address."""
    is_strange: bool
    """Whether the call names an address of its own, so that nothing says that it belongs to the platform."""


def destination(url: str, base_url: str | None) -> Destination:
    """Work out where a call goes.

    Args:
        url: Absolute, `service://`, or a path under the base URL.
        base_url: Where paths lead; None for nowhere.

    Returns:
        The destination.

    Raises:
        ValueError: It is a path, and there is no base URL.
    """
    parts = urlsplit(url)
    if parts.scheme == SCHEME or parts.scheme in _ADDRESSES:
        return Destination(url, _peer(parts.netloc), is_strange=parts.scheme != SCHEME)
    if base_url is None:
        raise ValueError(f"{url!r} is a path, and this client has no base_url")
    return Destination(f"{base_url}/{url.lstrip('/')}", _peer(urlsplit(base_url).netloc), is_strange=False)


def base_of(target: str) -> str:
    """Return scheme, host and port of an address: what instances are told apart by.

    Args:
        target: An absolute URL.
    """
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.netloc}"


async def live_instances(
    service: str, registry_url: str | None, get: Get, zone: str | None = None
) -> Sequence[LiveInstance]:
    """Ask the registry for a service.

    Args:
        service: Its name.
        registry_url: Where the registry is; None for nowhere.
        get: Asks it.
        zone: Where the caller runs; None when it does not say.

    Returns:
        Its live instances, at least one.

    Raises:
        APIException: There is none, or the registry cannot be asked.
    """
    if registry_url is None:
        raise ServiceUnavailableException(
            detail=f"service://{service} cannot be resolved without a registry: set registry_url",
            error_code="REGISTRY_NOT_CONFIGURED",
        )
    try:
        near = "" if zone is None else f"?near={quote(zone, safe='')}"
        response = await get(f"{registry_url}/services/{service}{near}")
    except RemoteAPIException as error:
        if error.status_code != 404:
            raise
        raise _no_instance(service, registry_url) from error
    try:
        instances = [_instance(shown) for shown in response.json()["instances"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadGatewayException(
            detail=f"{registry_url} does not answer like a registry", error_code="REGISTRY_UNUSABLE"
        ) from error
    if not instances:
        raise _no_instance(service, registry_url)
    return instances


def _instance(shown: Mapping[str, Any]) -> LiveInstance:
    # A registry that gives no hints treats all instances alike.
    return LiveInstance(str(shown["url"]), max(1, int(shown.get("weight", 1))), int(shown.get("priority", 0)))


def _no_instance(service: str, registry_url: str) -> APIException:
    return ServiceUnavailableException(
        detail=f"the registry at {registry_url} knows no live instance of {service}",
        error_code="NO_LIVE_INSTANCE",
        service=service,
    )


def _peer(netloc: str) -> str:
    return netloc.rpartition("@")[2].lower()
