"""What the gateway counts."""

from maestro_core_monitoring import MetricsCollector

from .triggers.delivery import Delivery


class GatewayMetrics:
    """The gateway's own metrics.

    Args:
        metrics: The service's metrics.
    """

    def __init__(self, metrics: MetricsCollector) -> None:
        self._service = metrics.service_name
        self._settled = metrics.counter(
            "gateway_deliveries_settled_total",
            "Deliveries whose run was started, and those that were given up.",
            ("service", "status"),
        )

    def settled(self, delivery: Delivery) -> None:
        """Count a delivery that was started or given up."""
        self._settled.labels(self._service, delivery.status.value).inc()
