"""What is counted and timed of a database."""

from typing import Final

from sqlalchemy.pool import Pool, QueuePool

from maestro_core_monitoring import MetricsCollector

_QUERY_BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class DatabaseMetrics:
    """The metrics of one database. All of their labels are of small, fixed sets.

    Args:
        collector: Where they are shown.
        system: `sqlite` or `postgresql`.
    """

    def __init__(self, collector: MetricsCollector, system: str) -> None:
        service = collector.service_name
        self._common = (service, system)
        labels = ("service", "system")
        self._duration = collector.histogram(
            "db_query_duration_seconds",
            "Time of one statement on the database.",
            (*labels, "operation"),
            buckets=_QUERY_BUCKETS_S,
        )
        self._errors = collector.counter(
            "db_query_errors_total", "Statements that failed, by the error's code.", (*labels, "error_code")
        )
        self._slow = collector.counter(
            "db_slow_queries_total", "Statements that took longer than database_slow_query_ms.", labels
        )
        self._transactions = collector.counter(
            "db_transactions_total",
            "Units of work, by their end: committed, read (there was nothing to commit) or rolled_back.",
            (*labels, "outcome"),
        )
        self._retries = collector.counter(
            "db_retries_total", "Units of work that were done again, by the error's code.", (*labels, "error_code")
        )
        self._wait = collector.histogram(
            "db_pool_wait_seconds", "Time until a connection was free.", labels, buckets=_QUERY_BUCKETS_S
        )
        self._connections = collector.gauge(
            "db_pool_connections", "Connections of the pool: in use, or idle.", (*labels, "state")
        )
        self._limit = collector.gauge("db_pool_limit", "The most connections that the pool opens.", labels)
        self._up = collector.gauge(
            "db_up", "1 when the last health check reached the database, 0 when not.", labels, across="min"
        )

    def observe_query(self, operation: str, duration_s: float) -> None:
        """Time one statement, whether it ended well or not."""
        self._duration.labels(*self._common, operation).observe(duration_s)

    def count_error(self, code: str) -> None:
        """Count one statement that failed."""
        self._errors.labels(*self._common, code).inc()

    def count_slow(self) -> None:
        """Count one slow statement."""
        self._slow.labels(*self._common).inc()

    def count_transaction(self, outcome: str) -> None:
        """Count one unit of work."""
        self._transactions.labels(*self._common, outcome).inc()

    def count_retry(self, code: str) -> None:
        """Count one unit of work that is done again."""
        self._retries.labels(*self._common, code).inc()

    def observe_wait(self, duration_s: float) -> None:
        """Time how long a connection was waited for."""
        self._wait.labels(*self._common).observe(duration_s)

    def set_up(self, is_up: bool) -> None:
        """Publish what the health check found."""
        self._up.labels(*self._common).set(1 if is_up else 0)

    def watch(self, pool: Pool, limit: int) -> None:
        """Show a pool whenever metrics are read.

        Args:
            pool: The pool.
            limit: The most connections that it opens.
        """
        self._limit.labels(*self._common).set(limit)
        if isinstance(pool, QueuePool):
            self._connections.labels(*self._common, "in_use").set_function(lambda: float(pool.checkedout()))
            self._connections.labels(*self._common, "idle").set_function(lambda: float(pool.checkedin()))
