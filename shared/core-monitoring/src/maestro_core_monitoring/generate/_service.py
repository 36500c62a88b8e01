"""What a service declares about itself."""

from dataclasses import dataclass
from typing import Any

from maestro_core_monitoring._errors import MonitoringError
from maestro_core_monitoring._metrics._collector import MetricsCollector
from maestro_core_monitoring._metrics._declaration import MetricDeclaration
from maestro_core_monitoring._objectives import SYSTEM_ROUTES, Objectives


@dataclass(frozen=True, slots=True)
class ServiceDeclaration:
    """A service, as far as dashboards and rules need to know it."""

    name: str
    """Value of its `service` label."""
    title: str
    """Its name for people."""
    metrics: tuple[MetricDeclaration, ...]
    """The metrics that the service itself has added."""
    routes: tuple[tuple[str, str], ...]
    """Method and template of each route, without health and metrics."""
    objectives: Objectives
    """What it promises."""

    def __post_init__(self) -> None:
        templates = {template for _, template in self.routes}
        for name in ("left_out", "untimed"):
            for route in getattr(self.objectives, name):
                if self.routes and route not in templates and route not in SYSTEM_ROUTES:
                    raise MonitoringError(
                        f"the objectives of {self.name} name the route {route!r} in {name}, and there is none; "
                        f"there are {', '.join(sorted(templates))}"
                    )


def declaration_of(service: Any) -> ServiceDeclaration:
    """Read a service's declarations.

    Args:
        service: A `MetricsCollector`, or an application that has one as `metrics`, as `MaestroAPI` does. Routes are taken from
            its OpenAPI document if it has one.

    Returns:
        The declarations.

    Raises:
        MonitoringError: There is no collector, or the objectives name a route that does not exist.
    """
    metrics = service if isinstance(service, MetricsCollector) else getattr(service, "metrics", None)
    if not isinstance(metrics, MetricsCollector):
        raise MonitoringError(f"{service!r} has no attribute `metrics` with a MetricsCollector")
    openapi = getattr(service, "openapi", None)
    paths: dict[str, dict[str, Any]] = openapi().get("paths", {}) if callable(openapi) else {}
    routes = [
        (method.upper(), template)
        for template, methods in paths.items()
        if template not in SYSTEM_ROUTES
        for method in methods
        if method.upper() in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    ]
    title = getattr(service, "title", None)
    return ServiceDeclaration(
        name=metrics.service_name,
        title=title if isinstance(title, str) and title else metrics.service_name,
        metrics=metrics.own,
        routes=tuple(sorted(routes, key=lambda route: (route[1], route[0]))),
        objectives=metrics.objectives,
    )
