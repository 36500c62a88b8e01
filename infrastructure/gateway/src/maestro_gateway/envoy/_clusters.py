"""Clusters: how the instances of a service are spoken to, and what protects them."""

from collections.abc import Mapping
from typing import Any, Final

from maestro_gateway._edge import Edge, EdgeService, Endpoint
from maestro_gateway._settings import EdgeSettings

from ._names import METADATA, TYPE_URLS, Resource, seconds, typed

_KEEPALIVE: Final = {"tcp_keepalive": {"keepalive_probes": 3, "keepalive_time": 10, "keepalive_interval": 5}}


def clusters(edge: Edge, xds: Mapping[str, Any] | None, settings: EdgeSettings) -> list[Resource]:
    """Render the clusters of all services.

    Args:
        edge: What the gateway knows.
        xds: Where endpoints are asked for (a ConfigSource); None puts them into the clusters.
        settings: The gateway process.

    Returns:
        One for each service, by name. A service keeps its cluster while nothing of it runs.
    """
    return [_cluster(service, xds, settings) for service in edge.services]


def endpoints(service: EdgeService) -> Resource:
    """Render where the instances of a service are.

    Args:
        service: The service.

    Returns:
        The ClusterLoadAssignment.
    """
    return {
        "@type": TYPE_URLS["endpoints"],
        "cluster_name": service.name,
        "endpoints": [{"lb_endpoints": [_endpoint(each) for each in service.endpoints]}],
    }


def _cluster(service: EdgeService, xds: Mapping[str, Any] | None, settings: EdgeSettings) -> Resource:
    protection = service.protection
    # Names are looked up by Envoy itself, which it does for endpoints inside a cluster only.
    by_name = any(not endpoint.is_address for endpoint in service.endpoints)
    where: dict[str, Any]
    if by_name or xds is None:
        assignment = {name: value for name, value in endpoints(service).items() if name != "@type"}
        where = {"type": "STRICT_DNS" if by_name else "STATIC", "load_assignment": assignment}
    else:
        where = {"type": "EDS", "eds_cluster_config": {"eds_config": dict(xds), "service_name": service.name}}
    cluster: Resource = {
        "@type": TYPE_URLS["clusters"],
        "name": service.name,
        **where,
        "connect_timeout": seconds(protection.connect_timeout.total_seconds()),
        "lb_policy": "LEAST_REQUEST",
        # A route may ask for one version; where none of it is left, any instance is better than none.
        "lb_subset_config": {"fallback_policy": "ANY_ENDPOINT", "subset_selectors": [{"keys": ["version"]}]},
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": protection.max_connections,
                    "max_pending_requests": protection.max_pending_requests,
                    "max_requests": protection.max_requests,
                    "retry_budget": {
                        "budget_percent": {"value": protection.retry_budget_percent},
                        "min_retry_concurrency": 20,
                    },
                }
            ]
        },
        "outlier_detection": {
            "consecutive_5xx": protection.eject_after_failures,
            "enforcing_consecutive_5xx": 100,
            "split_external_local_origin_errors": True,
            "consecutive_local_origin_failure": min(3, protection.eject_after_failures),
            "enforcing_consecutive_local_origin_failure": 100,
            # Failures are found by themselves; a share of successes says little about instances that do different work.
            "enforcing_success_rate": 0,
            "enforcing_local_origin_success_rate": 0,
            "interval": "1s",
            "base_ejection_time": seconds(protection.ejection.total_seconds()),
            "max_ejection_percent": protection.max_ejected_percent,
        },
        "upstream_connection_options": _KEEPALIVE,
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config={"http_protocol_options": {}},
                # Below the time after which servers close idle connections, so that no request meets one that is closing.
                common_http_protocol_options={"idle_timeout": "4s"},
            )
        },
    }
    if service.scheme == "https":
        cluster["transport_socket"] = _tls(service, settings, by_name=by_name)
    return cluster


def _tls(service: EdgeService, settings: EdgeSettings, *, by_name: bool) -> Resource:
    # A certificate must be for the address that was registered: one of somebody else's would do otherwise.
    hosts = sorted({endpoint.host for endpoint in service.endpoints})
    kinds = dict.fromkeys(hosts, "DNS" if by_name else "IP_ADDRESS")
    names = [{"san_type": kind, "matcher": {"exact": host}} for host, kind in kinds.items()]
    context = {"trusted_ca": {"filename": settings.ca_file}, "match_typed_subject_alt_names": names}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed(
            "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            sni=hosts[0] if by_name else service.name,
            common_tls_context={"validation_context": context},
        ),
    }


def _endpoint(endpoint: Endpoint) -> Resource:
    return {
        "endpoint": {"address": {"socket_address": {"address": endpoint.host, "port_value": endpoint.port}}},
        "metadata": {
            "filter_metadata": {
                "envoy.lb": {"version": endpoint.version},
                METADATA: {"instance_id": endpoint.instance_id},
            }
        },
    }
