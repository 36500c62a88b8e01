"""The rows of a service's dashboard."""

from typing import Final

from maestro_core_monitoring._metrics._declaration import MetricDeclaration

from ._panels import Panel, Query, Row
from ._promql import alternatives, selector, text
from ._service import ServiceDeclaration
from ._slo import slos_of

_INSTANCE: Final = 'instance=~"$instance"'
_TARGET: Final = 'job=~"$job",instance=~"$instance"'
_RATE: Final = "$__rate_interval"
_BUDGET_STEPS: Final = ((-1, "red"), (0, "orange"), (0.25, "green"))
_UNITS: Final = {"seconds": "s", "bytes": "bytes", "ratio": "percentunit", "celsius": "celsius", "percent": "percent"}


def objective_row(service: ServiceDeclaration) -> Row:
    """Show what the service promises, and how much of it is left."""
    panels = []
    for slo in slos_of(service):
        panels += [
            Panel(
                f"Budget left: {slo.name}",
                [Query(slo.recorded("service:slo_error_budget:remaining_ratio30d"), instant=True)],
                kind="stat",
                unit="percentunit",
                description=f"{slo.promise} What is left of what may go wrong in 30 days.",
                width=4,
                steps=_BUDGET_STEPS,
                minimum=None,
                decimals=1,
            ),
            Panel(
                f"Burn rate: {slo.name}",
                [
                    Query(
                        f"{slo.recorded(f'service:slo_errors_per_request:ratio_rate{window}')} / {slo.budget:.10g}",
                        f"over {window}",
                    )
                    for window in ("5m", "1h", "6h", "3d")
                ],
                description="1 uses the budget up in 30 days; 14.4 uses 2 % of it in an hour, and pages.",
            ),
        ]
    return Row("Objectives", panels)


def request_row(service: ServiceDeclaration) -> Row:
    """Show rate, errors and duration of requests."""
    here = f"service={text(service.name)},{_INSTANCE}"
    buckets = f"service_request_duration_seconds_bucket{{{here}}}"
    timed = selector("service_request_duration_seconds_bucket", here, _left_out(service))
    return Row(
        "Requests",
        [
            Panel(
                "Requests by route",
                [
                    Query(
                        f"sum by (method, route) (rate(service_requests_total{{{here}}}[{_RATE}]))",
                        "{{method}} {{route}}",
                    )
                ],
                unit="reqps",
                description=_routes(service),
            ),
            Panel(
                "Share of server errors by route",
                [
                    Query(
                        f'sum by (route) (rate(service_requests_total{{{here},status=~"5.."}}[{_RATE}])) '
                        f"/ sum by (route) (rate(service_requests_total{{{here}}}[{_RATE}]))",
                        "{{route}}",
                    )
                ],
                unit="percentunit",
            ),
            Panel(
                "Errors by code",
                [
                    Query(
                        f"sum by (status, error_code) (rate(service_errors_total{{{here}}}[{_RATE}]))",
                        "{{status}} {{error_code}}",
                    )
                ],
                unit="reqps",
                stacked=True,
            ),
            Panel(
                "Duration",
                [
                    Query(
                        f"histogram_quantile({quantile}, sum by (le) (rate({timed}[{_RATE}])))",
                        f"p{100 * quantile:g}",
                        exemplars=quantile == 0.99,
                    )
                    for quantile in (0.5, 0.95, 0.99)
                ],
                unit="s",
                description="Health and metrics left out. The dots are requests with a trace.",
            ),
            Panel(
                "99th percentile by route",
                [Query(f"histogram_quantile(0.99, sum by (route, le) (rate({buckets}[{_RATE}])))", "{{route}}")],
                unit="s",
            ),
            Panel(
                "Durations",
                [Query(f"sum by (le) (increase({timed}[{_RATE}]))", "{{le}}", exemplars=True)],
                kind="heatmap",
                unit="s",
            ),
        ],
    )


def health_row(service: ServiceDeclaration) -> Row:
    """Show health checks, which ask the service's dependencies, and what runs."""
    here = f"service={text(service.name)},{_INSTANCE}"
    return Row(
        "Health and dependencies",
        [
            Panel(
                "Health checks",
                [Query(f"min by (check) (service_health_status{{{here}}})", "{{check}}")],
                kind="state-timeline",
                unit="none",
                width=16,
                steps=((0, "red"), (1, "green")),
            ),
            Panel(
                "Instances by version",
                [Query(f"count by (version) (service_info{{{here}}})", "{{version}}")],
                unit="none",
                stacked=True,
                decimals=0,
            ),
        ],
    )


def own_row(service: ServiceDeclaration) -> Row:
    """Show the metrics that the service itself has added."""
    return Row("Business", [_own_panel(metric) for metric in service.metrics])


def resource_row(_: ServiceDeclaration) -> Row:
    """Show what the processes use."""
    of_instance = "{{instance}} {{worker}}"
    lag = f"sum by (instance, le) (rate(asyncio_loop_lag_seconds_bucket{{{_TARGET}}}[{_RATE}]))"
    pauses = f"sum by (instance, le) (rate(python_gc_pause_seconds_bucket{{{_TARGET}}}[{_RATE}]))"
    return Row(
        "Resources",
        [
            Panel(
                "Processor",
                [Query(f"rate(process_cpu_seconds_total{{{_TARGET}}}[{_RATE}])", of_instance)],
                unit="percentunit",
                description="1 is one core.",
            ),
            Panel("Memory", [Query(f"process_resident_memory_bytes{{{_TARGET}}}", of_instance)], unit="bytes"),
            Panel(
                "Free disk space",
                [Query(f"min by (disk) (service_disk_free_bytes{{{_TARGET}}})", "{{disk}}")],
                unit="bytes",
                description="Of the disks that the service watches.",
            ),
            Panel(
                "Event loop: how late it is (99th percentile)",
                [Query(f"histogram_quantile(0.99, {lag})", "{{instance}}")],
                unit="s",
                description="Above some milliseconds, something blocks it.",
            ),
            Panel(
                "Garbage collection: longest pauses (99th percentile)",
                [Query(f"histogram_quantile(0.99, {pauses})", "{{instance}}")],
                unit="s",
            ),
            Panel(
                "Tasks, threads, open files",
                [
                    Query(f"sum by (instance) (asyncio_tasks{{{_TARGET}}})", "tasks {{instance}}"),
                    Query(f"sum by (instance) (python_threads{{{_TARGET}}})", "threads {{instance}}"),
                    Query(f"sum by (instance) (process_open_fds{{{_TARGET}}})", "files {{instance}}"),
                ],
                unit="none",
            ),
        ],
    )


def telemetry_row(service: ServiceDeclaration) -> Row:
    """Show whether what is shown is complete."""
    here = f"service={text(service.name)},{_INSTANCE}"
    return Row(
        "Telemetry",
        [
            Panel(
                "Spans",
                [
                    Query(f"sum(rate(service_spans_exported_total{{{here}}}[{_RATE}]))", "exported"),
                    Query(
                        f"sum by (reason) (rate(service_spans_dropped_total{{{here}}}[{_RATE}]))", "dropped: {{reason}}"
                    ),
                ],
                unit="ops",
                width=12,
            ),
            Panel(
                "Series that were refused",
                [Query(f"sum by (metric) (increase(service_metric_series_refused_total{{{here}}}[1h]))", "{{metric}}")],
                description="Metrics with more combinations of label values than they may have.",
                width=12,
            ),
        ],
    )


def _own_panel(metric: MetricDeclaration) -> Panel:
    title = metric.description.rstrip(".")
    legend = " ".join(f"{{{{{label}}}}}" for label in metric.labels) or metric.name
    by = f"by ({', '.join(metric.labels)}) " if metric.labels else ""
    unit = _unit(metric.name)
    match metric.kind:
        case "counter":
            expr = f"sum {by}(rate({metric.name}{{{_TARGET}}}[{_RATE}]))"
            return Panel(
                title, [Query(expr, legend)], unit="ops" if unit == "short" else f"{unit}", description=metric.name
            )
        case "gauge":
            together = "sum" if metric.across == "latest" else metric.across
            expr = f"{together} {by}({metric.name}{{{_TARGET}}})"
            return Panel(title, [Query(expr, legend)], unit=unit, description=metric.name, minimum=None)
        case "histogram":
            series = f"sum by (le) (rate({metric.name}_bucket{{{_TARGET}}}[{_RATE}]))"
            quantiles = [Query(f"histogram_quantile({q}, {series})", f"p{100 * q:g}") for q in (0.5, 0.95, 0.99)]
            return Panel(title, quantiles, unit=unit, description=metric.name)


def _unit(name: str) -> str:
    return _UNITS.get(name.removesuffix("_total").rpartition("_")[2], "short")


def _left_out(service: ServiceDeclaration) -> str:
    routes = (*service.objectives.left_out, *service.objectives.untimed)
    return f"route!~{text(alternatives(routes))}" if routes else ""


def _routes(service: ServiceDeclaration) -> str:
    return "\n".join(f"- `{method} {template}`" for method, template in service.routes)
