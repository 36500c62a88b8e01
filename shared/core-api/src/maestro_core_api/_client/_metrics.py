"""What a client counts."""

from typing import Final

from maestro_core_monitoring import MetricsCollector

from ._circuit import CircuitState

_MOST_TARGETS: Final = 100
_OVERFLOW: Final = "overflow"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


class ClientMetrics:
    """Counts the attempts of a client by service, method and outcome; never by path.

    Args:
        collector: Where to; None counts nothing.
    """

    def __init__(self, collector: MetricsCollector | None) -> None:
        self._targets: set[str] = set()
        self._collector = collector
        if collector is None:
            return
        self._service = collector.service_name
        self._requests = collector.counter(
            "client_requests_total", "Attempts to call a service.", ("service", "target", "method", "outcome")
        )
        self._durations = collector.histogram(
            "client_request_duration_seconds",
            "Time from an attempt to its answer, of a stream to its head.",
            ("service", "target", "method"),
        )
        self._retries = collector.counter(
            "client_retries_total",
            "Calls that were worth trying again, by what became of that: made, or refused by the budget.",
            ("service", "target", "verdict"),
        )
        self._circuits = collector.gauge(
            "client_circuit_state", "0 calls pass, 1 a probe finds out, 2 none passes.", ("service", "target")
        )

    def attempted(self, target: str, method: str, outcome: str, duration_s: float) -> None:
        """Count one attempt.

        Args:
            target: The service or host.
            method: HTTP method.
            outcome: HTTP status, or the code of the error when there was no answer.
            duration_s: How long it took, in seconds.
        """
        if self._collector is not None:
            target, method = self._bounded(target), method if method in _METHODS else "_OTHER"
            self._requests.labels(self._service, target, method, outcome).inc()
            self._durations.labels(self._service, target, method).observe(duration_s)

    def retried(self, target: str, verdict: str) -> None:
        """Count a retry that was wanted.

        Args:
            target: The service or host.
            verdict: `made`, or `over_budget`.
        """
        if self._collector is not None:
            self._retries.labels(self._service, self._bounded(target), verdict).inc()

    def circuit(self, target: str, state: CircuitState) -> None:
        """Show the state of a circuit.

        Args:
            target: The service or host.
            state: Its state.
        """
        if self._collector is not None:
            self._circuits.labels(self._service, self._bounded(target)).set(state.value)

    def _bounded(self, target: str) -> str:
        if target in self._targets:
            return target
        if len(self._targets) >= _MOST_TARGETS:
            return _OVERFLOW
        self._targets.add(target)
        return target
