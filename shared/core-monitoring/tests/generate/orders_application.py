"""The service that dashboards and rules are written for."""

from pathlib import Path
from typing import Any

from maestro_core_monitoring import MetricsCollector, Objectives


class Application:
    """As much of an application as the generator looks at."""

    title = "Orders API"

    def __init__(self, metrics: MetricsCollector) -> None:
        self.metrics = metrics

    def openapi(self) -> dict[str, Any]:
        return {
            "paths": {
                "/orders/{id}": {"get": {}, "delete": {}, "parameters": []},
                "/orders.csv": {"get": {}},
                "/stream": {"get": {}},
                "/health/ready": {"get": {}},
            }
        }


def application(**objectives: Any) -> Application:
    """Make a service with metrics of its own."""
    metrics = MetricsCollector("orders", objectives=Objectives(**objectives))
    metrics.counter("orders_shipped", "Orders shipped, by country.", ("country",))
    metrics.gauge("orders_open", "Open orders.")
    metrics.gauge("orders_oldest_seconds", "Age of the oldest order.", across="max")
    metrics.histogram("orders_weight_bytes", "Weight of orders.", ("kind",), buckets=(1, 10, 100))
    metrics.watch_disk("data", Path("/"))
    return Application(metrics)
