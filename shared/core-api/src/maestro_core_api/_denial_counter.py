"""How often each rule has refused a request."""

from typing import Final

from maestro_core_monitoring import CounterSeries, MetricsCollector

_MOST_RULES: Final = 200
_OVERFLOW: Final = "overflow"


class DenialCounter:
    """`service_denials_total`, by rule.

    Rules are names in the code and the configuration, never parts of a request; there is a bound all the same.

    Args:
        metrics: The service's metrics.
    """

    def __init__(self, metrics: MetricsCollector) -> None:
        self._service = metrics.service_name
        self._counter = metrics.counter(
            "service_denials_total", "Requests that were refused, by the rule that did so.", ("service", "rule")
        )
        self._series: dict[str, CounterSeries] = {}

    def count(self, rule: str) -> None:
        """Count one refusal.

        Args:
            rule: The rule, as the answer names it.
        """
        series = self._series.get(rule)
        if series is None:
            if len(self._series) >= _MOST_RULES:
                rule = _OVERFLOW
            series = self._series[rule] = self._counter.labels(self._service, rule)
        series.inc()
