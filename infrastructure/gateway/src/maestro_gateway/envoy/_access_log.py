"""One line for each request, in the form of all other lines of the platform."""

from typing import Final

from maestro_gateway._settings import EdgeSettings

from ._names import JWT, METADATA, PAYLOAD, Resource, typed

_ROUTE: Final = f"%METADATA(ROUTE:{METADATA}:"


def access_log(settings: EdgeSettings) -> list[Resource]:
    """Render the access log.

    Args:
        settings: The gateway process.

    Returns:
        The access loggers: one line of JSON for each request, on standard output.
    """
    line = {
        "timestamp": "%START_TIME(%Y-%m-%dT%H:%M:%S.%6fZ)%",
        "level": "info",
        "logger": "maestro_gateway.access",
        "service": "gateway",
        "environment": settings.environment,
        "event": "Request answered",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "trace_id": "%TRACE_ID%",
        "span_id": "%SPAN_ID%",
        "method": "%REQ(:METHOD)%",
        # Without the query, which is the caller's own business and may hold a secret.
        "path": "%PATH(NQ:ORIG_OR_PATH)%",
        "route": f"{_ROUTE}route)%",
        "status": "%RESPONSE_CODE%",
        "duration_ms": "%DURATION%",
        "upstream": f"{_ROUTE}service)%",
        "instance": "%UPSTREAM_HOST%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "flags": "%RESPONSE_FLAGS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "principal": f"%DYNAMIC_METADATA({JWT}:{PAYLOAD}:sub)%",
        "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "received_bytes": "%BYTES_RECEIVED%",
        "sent_bytes": "%BYTES_SENT%",
    }
    return [
        {
            "name": "envoy.access_loggers.stdout",
            "filter": {
                "extension_filter": {
                    "name": "envoy.access_loggers.extension_filters.cel",
                    # What is asked all the time, and by nobody in particular.
                    "typed_config": typed(
                        "extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                        expression="!request.path.startsWith('/health/')",
                    ),
                }
            },
            "typed_config": typed(
                "extensions.access_loggers.stream.v3.StdoutAccessLog",
                log_format={"json_format": line, "omit_empty_values": True},
            ),
        }
    ]
