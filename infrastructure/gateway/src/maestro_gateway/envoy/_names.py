"""Names that the parts of an Envoy configuration know each other by."""

from typing import Any, Final

Resource = dict[str, Any]
"""One xDS resource, as JSON."""

LISTENER: Final = "edge"
ROUTES: Final = "edge"
XDS: Final = "maestro.xds"
LIMITS: Final = "maestro.limits"
OTLP: Final = "maestro.otlp"
METADATA: Final = "maestro"
"""Namespace of our metadata on routes and endpoints."""
JWT: Final = "envoy.filters.http.jwt_authn"
PAYLOAD: Final = "payload"
"""Where the claims of a verified token are in the metadata of a request."""

LIMITS_HEADER: Final = "x-maestro-limits"
SUBJECT_HEADER: Final = "x-maestro-subject"
TENANT_HEADER: Final = "x-maestro-tenant"
ADDRESS_HEADER: Final = "x-maestro-address"
TRACE_HEADER: Final = "x-trace-id"
"""Set for every request, whatever came in; it goes on to the service."""
INTERNAL_HEADERS: Final = (LIMITS_HEADER, SUBJECT_HEADER, TENANT_HEADER, ADDRESS_HEADER)
"""Headers between the gateway's own parts: taken from requests that come in, and from those that go out."""

_V3: Final = "type.googleapis.com/envoy."
TYPE_URLS: Final = {
    "clusters": _V3 + "config.cluster.v3.Cluster",
    "endpoints": _V3 + "config.endpoint.v3.ClusterLoadAssignment",
    "routes": _V3 + "config.route.v3.RouteConfiguration",
    "listeners": _V3 + "config.listener.v3.Listener",
}
"""Kind of resource → its type."""


def typed(kind: str, **fields: Any) -> Resource:
    """Return a message of a type below `type.googleapis.com/envoy.`.

    Args:
        kind: Its type, such as `extensions.filters.http.router.v3.Router`.
        **fields: Its fields.

    Returns:
        The message as JSON.
    """
    return {"@type": _V3 + kind, **fields}


def seconds(duration: float) -> str:
    """Return a duration as protobuf's JSON has it.

    Args:
        duration: In seconds.

    Returns:
        For example `0.25s`.
    """
    return f"{duration:.9f}".rstrip("0").rstrip(".") + "s"


def literal(text: str) -> str:
    """Return a text for a place where Envoy reads commands between percent signs.

    Args:
        text: What is to stand there.

    Returns:
        The same with its percent signs doubled.
    """
    return text.replace("%", "%%")
