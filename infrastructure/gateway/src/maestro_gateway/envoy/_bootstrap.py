"""What an Envoy process is started with: where it asks for everything else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from maestro_gateway._edge import Edge
from maestro_gateway._settings import EdgeSettings

from ._clusters import clusters
from ._listener import listener
from ._names import LIMITS, OTLP, ROUTES, XDS, Resource, seconds, typed
from ._routes import route_configuration

_REFRESH_S: Final = 0.05
_MOST_CONNECTIONS: Final = 50_000
_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = _WAIT_S - 5
"""How long an answer to a request for configuration may be held back, in seconds."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an Envoy process finds around it."""

    node_id: str
    """What tells it from other gateways."""
    admin_socket: Path
    """Where its administration is: a socket, because whoever reaches it can stop the gateway."""
    registry_url: str
    """Where configuration is asked for."""
    token: SecretStr
    """What the registry wants to see."""
    limits_socket: Path | None
    """Where requests are counted; None for nowhere."""
    ca_file: str
    """Authorities that those outside have their certificates from."""
    extra: tuple[tuple[str, str], ...] = ()
    """Name of a cluster → address: issuers' keys, receivers of spans."""


def rest_source() -> Resource:
    """Return where Envoy asks for configuration.

    Returns:
        A ConfigSource.
    """
    return {
        "resource_api_version": "V3",
        "initial_fetch_timeout": "10s",
        "api_config_source": {
            "api_type": "REST",
            "transport_api_version": "V3",
            "cluster_names": [XDS],
            # The registry holds its answer back until there is something new, so that asking again at once is cheap.
            "refresh_delay": seconds(_REFRESH_S),
            "request_timeout": seconds(_WAIT_S),
        },
    }


def bootstrap(settings: EdgeSettings, around: Surroundings) -> Resource:
    """Render the bootstrap of an Envoy that asks the registry.

    Args:
        settings: The gateway process.
        around: What it finds around it.

    Returns:
        The Bootstrap; it holds the token, so that nobody else may read its file.
    """
    return {
        "node": {"id": around.node_id, "cluster": "gateway", "metadata": settings.as_metadata()},
        "admin": {"address": {"pipe": {"path": str(around.admin_socket), "mode": 0o600}}},
        "dynamic_resources": {"cds_config": rest_source(), "lds_config": rest_source()},
        "static_resources": {
            "clusters": [
                _registry(around),
                *([_limits(around.limits_socket)] if around.limits_socket is not None else []),
                *(_outside(name, url, around.ca_file) for name, url in around.extra),
                *([] if OTLP in dict(around.extra) else [_nobody(OTLP)]),
            ]
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": typed(
                        "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                        max_active_downstream_connections=_MOST_CONNECTIONS,
                    ),
                }
            ]
        },
    }


def dynamic_listener(settings: EdgeSettings) -> Resource:
    """Render the listener of an Envoy that asks the registry.

    Args:
        settings: The gateway process.

    Returns:
        The Listener, whose routes are asked for.
    """
    return listener(settings, {"rds": {"route_config_name": ROUTES, "config_source": rest_source()}})


def static_configuration(edge: Edge, settings: EdgeSettings, limits_socket: Path | None = None) -> Resource:
    """Render everything into one document, for an Envoy without a registry.

    Args:
        edge: What the gateway knows.
        settings: The gateway process.
        limits_socket: Where requests are counted; None for nowhere.

    Returns:
        The Bootstrap.
    """
    routes = _bare(route_configuration(edge, settings))
    own = [_limits(limits_socket)] if limits_socket is not None else []
    return {
        "node": {"id": "gateway", "cluster": "gateway"},
        "static_resources": {
            "listeners": [_bare(listener(settings, {"route_config": routes}))],
            "clusters": [*map(_bare, clusters(edge, None, settings)), *own, _nobody(OTLP)],
        },
    }


def _bare(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name != "@type"}


def _registry(around: Surroundings) -> Resource:
    authorization = {
        "append": {
            "header": {"key": "authorization", "value": f"Bearer {around.token.get_secret_value()}"},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }
    }
    filters = [
        {
            "name": "envoy.filters.http.header_mutation",
            "typed_config": typed(
                "extensions.filters.http.header_mutation.v3.HeaderMutation",
                mutations={"request_mutations": [authorization]},
            ),
        },
        {
            "name": "envoy.filters.http.upstream_codec",
            "typed_config": typed("extensions.filters.http.upstream_codec.v3.UpstreamCodec"),
        },
    ]
    return _outside(XDS, around.registry_url, around.ca_file, http_filters=filters)


def _outside(name: str, url: str, ca_file: str, **options: Any) -> Resource:
    address = urlsplit(url)
    assert address.hostname is not None
    port = address.port or (443 if address.scheme == "https" else 80)
    socket = {"socket_address": {"address": address.hostname, "port_value": port}}
    cluster = _cluster(name, "STRICT_DNS", socket, **options)
    if address.scheme == "https":
        cluster["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": typed(
                "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                sni=address.hostname,
                common_tls_context={"validation_context": {"trusted_ca": {"filename": ca_file}}},
                auto_sni_san_validation=True,
            ),
        }
    return cluster


def _nobody(name: str) -> Resource:
    return {"name": name, "type": "STATIC", "load_assignment": {"cluster_name": name}}


def _limits(socket: Path) -> Resource:
    return _cluster(LIMITS, "STATIC", {"pipe": {"path": str(socket)}})


def _cluster(name: str, kind: str, address: Mapping[str, Any], **options: Any) -> Resource:
    return {
        "name": name,
        "type": kind,
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": dict(address)}}]}],
        },
        "circuit_breakers": {
            "thresholds": [{"max_connections": 4096, "max_pending_requests": 16_384, "max_requests": 16_384}]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config={"http_protocol_options": {}},
                **options,
            )
        },
    }
