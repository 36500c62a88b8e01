"""The registry's own metrics."""

from functools import partial

from central_registry.domain import Health, Registry, Selection
from central_registry.watching import Watchers
from maestro_core_monitoring import Counter, Gauge, MetricsCollector

_EVERYONE = Selection(with_unhealthy=True)


class RegistryMetrics:
    """What there is, and what changes.

    Args:
        metrics: Where it is shown.
    """

    def __init__(self, metrics: MetricsCollector) -> None:
        self._instances: Gauge = metrics.gauge(
            "registry_instances", "Live instances by what their probes say.", ["health"]
        )
        self._watchers: Gauge = metrics.gauge("registry_watchers", "Streams of changes that are open.")
        self._changes: Counter = metrics.counter("registry_changes_total", "Changes of instances by kind.", ["kind"])

    def measure(self, registry: Registry, watchers: Watchers) -> None:
        """Show what there is whenever metrics are read.

        Args:
            registry: The registry.
            watchers: Who watches.
        """

        def count(health: Health) -> float:
            everyone = registry.live(_EVERYONE).values()
            return sum(each.health.status is health for instances in everyone for each in instances)

        for health in Health:
            self._instances.labels(health.value).set_function(partial(count, health))
        self._watchers.set_function(lambda: watchers.count)

    async def count_changes(self, registry: Registry) -> None:
        """Count changes until cancelled.

        Args:
            registry: The registry.
        """
        position = registry.changes.position
        while True:
            await registry.changes.wait(position)
            for change in registry.changes.since(position) or ():
                self._changes.labels(change.kind.value).inc()
            position = registry.changes.position
