"""The routes as an Envoy configuration (v3): clusters, endpoints, routes, listener, bootstrap."""

from ._bootstrap import LONGEST_WAIT_S, Surroundings, bootstrap, dynamic_listener, rest_source, static_configuration
from ._clusters import clusters, endpoints
from ._listener import listener
from ._names import (
    ADDRESS_HEADER,
    LIMITS_HEADER,
    SUBJECT_HEADER,
    TENANT_HEADER,
    TRACE_HEADER,
    TYPE_URLS,
    Resource,
)
from ._routes import route_configuration

__all__ = [
    "ADDRESS_HEADER",
    "LIMITS_HEADER",
    "LONGEST_WAIT_S",
    "SUBJECT_HEADER",
    "TENANT_HEADER",
    "TRACE_HEADER",
    "TYPE_URLS",
    "Resource",
    "Surroundings",
    "bootstrap",
    "clusters",
    "dynamic_listener",
    "endpoints",
    "listener",
    "rest_source",
    "route_configuration",
    "static_configuration",
]
