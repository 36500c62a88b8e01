"""The endpoints that every service has: health and metrics."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import FastAPI, Header
from starlette.responses import Response

from maestro_core_monitoring import HealthKind, HealthRegistry, HealthReport, MetricsCollector

from ._access import public
from ._exceptions import ServiceUnavailableException

LIVE_PATH: Final = "/health/live"
READY_PATH: Final = "/health/ready"
STARTUP_PATH: Final = "/health/startup"
METRICS_PATH: Final = "/metrics"
SYSTEM_PATHS: Final = frozenset({LIVE_PATH, READY_PATH, STARTUP_PATH, METRICS_PATH})
_CODES: Final[dict[HealthKind, str]] = {
    "liveness": "NOT_LIVE",
    "readiness": "NOT_READY",
    "startup": "NOT_STARTED",
}


def add_system_routes(
    app: FastAPI, *, health: HealthRegistry, metrics: MetricsCollector | None, draining: asyncio.Event
) -> None:
    """Add health endpoints, and `/metrics` when there are metrics.

    Args:
        app: The application.
        health: Its health checks.
        metrics: Its metrics; None adds no endpoint.
        draining: Set once the service is about to stop.
    """

    @app.get(LIVE_PATH, tags=["system"], summary="Whether the service runs")
    @public
    async def live() -> dict[str, Any]:
        return await _checked(health, "liveness")

    @app.get(READY_PATH, tags=["system"], summary="Whether the service can take requests")
    @public
    async def ready() -> dict[str, Any]:
        if draining.is_set():
            raise ServiceUnavailableException(detail="the service is about to stop", error_code="DRAINING")
        return await _checked(health, "readiness")

    @app.get(STARTUP_PATH, tags=["system"], summary="Whether the service has started")
    @public
    async def started() -> dict[str, Any]:
        return await _checked(health, "startup")

    if metrics is not None:

        @app.get(METRICS_PATH, tags=["system"], summary="Metrics in the Prometheus text format")
        @public
        async def show_metrics(accept: Annotated[str | None, Header()] = None) -> Response:
            body, content_type = metrics.render(accept)
            return Response(body, media_type=content_type)


async def _checked(health: HealthRegistry, kind: HealthKind) -> dict[str, Any]:
    report = await health.run(kind)
    checks = rendered_checks(report)
    if not report.healthy:
        names = ", ".join(check.name for check in report.failing)
        raise ServiceUnavailableException(detail=f"failing: {names}", error_code=_CODES[kind], checks=checks)
    return {"status": "degraded" if report.degraded else "ok", "checks": checks}


def rendered_checks(report: HealthReport) -> list[dict[str, Any]]:
    """Describe the outcome of health checks.

    Args:
        report: The outcome.

    Returns:
        One item per check: `name`, `healthy`, `duration_ms` and, for one that failed, `error`.
    """
    rendered = []
    for check in report.checks:
        item: dict[str, Any] = {
            "name": check.name,
            "healthy": check.healthy,
            "duration_ms": round(check.duration.total_seconds() * 1000, 3),
        }
        if not check.critical:
            item["critical"] = False
        if check.age:
            item["age_ms"] = round(check.age.total_seconds() * 1000, 3)
        if check.error is not None:
            item["error"] = check.error
        rendered.append(item)
    return rendered
