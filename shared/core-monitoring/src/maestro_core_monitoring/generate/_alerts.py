"""Alerts on the service itself: whether it is there, healthy, and has what it needs."""

from typing import Any, Final

from ._service import ServiceDeclaration

# Metrics of the process have no label `service`; which instances are those of a service, `service_info` tells.
_OF_SERVICE: Final = "* on (job, instance) group_left () max by (job, instance) (service_info{here})"

_ALERTS: Final[tuple[tuple[str, str, str, str, str, str], ...]] = (
    (
        "ServiceAbsent",
        "page",
        "5m",
        "absent(service_info{here})",
        "{title} is not there",
        "Prometheus has seen no instance for five minutes: none runs, or none can be scraped.",
    ),
    (
        "HealthCheckFailing",
        "ticket",
        "5m",
        "min by (service, check) (service_health_status{here}) == 0",
        "{title}: the health check {{{{ $labels.check }}}} fails",
        "It has failed for five minutes on one instance at least. GET /health/ready tells the reason.",
    ),
    (
        "ServiceRestarting",
        "ticket",
        "0m",
        "sum by (job, instance) (changes(process_start_time_seconds[15m]) {of_service}) > 3",
        "{title} restarts again and again on {{{{ $labels.instance }}}}",
        "More than three starts in a quarter of an hour. Its log tells why it ends.",
    ),
    (
        "OpenFilesRunningOut",
        "ticket",
        "10m",
        "max by (job, instance) (process_open_fds / process_max_fds {of_service}) > 0.9",
        "{title} has nearly as many files open as it may on {{{{ $labels.instance }}}}",
        "Connections count as files. Look for what is not closed, or raise the limit.",
    ),
    (
        "EventLoopBlocked",
        "ticket",
        "10m",
        "histogram_quantile(0.99, sum by (job, instance, le) (rate(asyncio_loop_lag_seconds_bucket[5m]) {of_service})) > 0.5",
        "{title}: something blocks the event loop on {{{{ $labels.instance }}}}",
        "One wake-up in a hundred is half a second late or more: every request waits for it. Move what blocks to a thread.",
    ),
    (
        "DiskFillingUp",
        "ticket",
        "30m",
        (
            "service_disk_free_bytes{here} / service_disk_size_bytes{here} < 0.2 "
            "and predict_linear(service_disk_free_bytes{here}[6h], 86400) < 0"
        ),
        "{title}: the disk for {{{{ $labels.disk }}}} is full within a day",
        "Less than a fifth is free, and at the rate of the last six hours nothing is in a day.",
    ),
    (
        "SpansDropped",
        "ticket",
        "15m",
        "sum by (service, reason) (rate(service_spans_dropped_total{here}[5m])) > 0",
        "{title} loses spans ({{{{ $labels.reason }}}})",
        "queue_full: more spans than the receiver takes; sample fewer. export_failed: the receiver is away or refuses them.",
    ),
    (
        "MetricSeriesRefused",
        "ticket",
        "0m",
        "sum by (service, metric) (increase(service_metric_series_refused_total{here}[1h])) > 0",
        "{title}: the metric {{{{ $labels.metric }}}} has too many series",
        "A label takes values without end, as ids do. Take it away, or raise max_series.",
    ),
)


def service_alerts(service: ServiceDeclaration) -> list[dict[str, Any]]:
    """Return the alerts on a service.

    Args:
        service: What it declares.

    Returns:
        Rules, as Prometheus has them.
    """
    here = f'{{service="{service.name}"}}'
    url = service.objectives.runbook_url
    return [
        {
            "alert": name,
            "expr": expression.replace("{of_service}", _OF_SERVICE).replace("{here}", here),
            "for": patience,
            "labels": {"severity": severity, "service": service.name},
            "annotations": {
                "summary": summary.format(title=service.title),
                "description": description,
                **({} if url is None else {"runbook_url": url.replace("{alert}", name)}),
            },
        }
        for name, severity, patience, expression, summary, description in _ALERTS
    ]
