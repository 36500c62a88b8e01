"""The listener: how requests are read, before anybody asks where they go."""

from collections.abc import Mapping
from typing import Any, Final

from maestro_gateway._settings import EdgeSettings

from ._access_log import access_log
from ._filters import http_filters
from ._names import INTERNAL_HEADERS, LISTENER, OTLP, TYPE_URLS, Resource, seconds, typed
from ._replies import local_replies

_MAX_HEADERS: Final = 100


def listener(settings: EdgeSettings, routes: Mapping[str, Any]) -> Resource:
    """Render the listener. It depends on no route, so that routes come and go without it.

    Args:
        settings: The gateway process.
        routes: `{"rds": …}` or `{"route_config": …}`.

    Returns:
        The Listener.
    """
    chain: Resource = {
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": _manager(settings, routes)}
        ]
    }
    if settings.certificate is not None:
        chain["transport_socket"] = _tls(settings)
    return {
        "@type": TYPE_URLS["listeners"],
        "name": LISTENER,
        "address": {"socket_address": {"address": settings.host, "port_value": settings.port}},
        "per_connection_buffer_limit_bytes": 64 * 1024,
        "filter_chains": [chain],
    }


def _manager(settings: EdgeSettings, routes: Mapping[str, Any]) -> Resource:
    return typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="edge",
        codec_type="AUTO",
        **dict(routes),
        http_filters=http_filters(settings),
        upgrade_configs=[{"upgrade_type": "websocket", "filters": http_filters(settings, buffered=False)}],
        local_reply_config=local_replies(),
        access_log=access_log(settings),
        tracing=_tracing(settings),
        # Who calls is who is connected, or whom the proxies in front of this one name.
        use_remote_address=True,
        xff_num_trusted_hops=settings.trusted_hops,
        skip_xff_append=False,
        # One path has one spelling before any rule looks at it.
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        strip_trailing_host_dot=True,
        common_http_protocol_options={
            # `x_request_id` and `x-request-id` are one header to some servers and two to others.
            "headers_with_underscores_action": "REJECT_REQUEST",
            "max_headers_count": _MAX_HEADERS,
            "idle_timeout": "60s",
        },
        http_protocol_options={"accept_http_10": False, "allow_chunked_length": False},
        http2_protocol_options={
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65_536,
            "initial_connection_window_size": 1_048_576,
        },
        max_request_headers_kb=settings.max_header_kib,
        request_headers_timeout="10s",
        # A request that trickles; whatever has begun to be answered is its route's own business.
        stream_idle_timeout="300s",
        drain_timeout=seconds(settings.drain_s),
        server_header_transformation="OVERWRITE",
        server_name="gateway",
        generate_request_id=True,
        preserve_external_request_id=True,
        always_set_request_id_in_response=True,
        request_id_extension={
            "typed_config": typed(
                "extensions.request_id.uuid.v3.UuidRequestIdConfig",
                pack_trace_reason=False,
                use_request_id_for_trace_sampling=False,
            )
        },
        early_header_mutation_extensions=[
            {
                "name": "envoy.http.early_header_mutation.header_mutation",
                "typed_config": typed(
                    "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
                    # Nobody outside speaks for the gateway's own parts.
                    mutations=[{"remove": name} for name in (*INTERNAL_HEADERS, "x-forwarded-prefix")],
                ),
            }
        ],
    )


def _tracing(settings: EdgeSettings) -> Resource:
    # The tracer wants somebody to send spans to. Where nobody is, it makes and passes on ids all the same, which is what matters.
    uri = {"uri": settings.otlp_url or "http://maestro.otlp/v1/traces", "cluster": OTLP, "timeout": "5s"}
    service: Resource = {"http_uri": uri}
    if settings.otlp_token_variable is not None:
        header = {"key": "authorization", "value": f"Bearer %ENVIRONMENT({settings.otlp_token_variable})%"}
        service["request_headers_to_add"] = [{"header": header}]
    config: Resource = {"service_name": "gateway", "http_service": service}
    return {
        "random_sampling": {"value": 100},
        "provider": {
            "name": "envoy.tracers.opentelemetry",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
                **config,
            },
        },
        "spawn_upstream_span": True,
    }


def _tls(settings: EdgeSettings) -> Resource:
    pair = {"certificate_chain": {"filename": settings.certificate}, "private_key": {"filename": settings.key}}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed(
            "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            common_tls_context={
                "tls_certificates": [pair],
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            },
        ),
    }
