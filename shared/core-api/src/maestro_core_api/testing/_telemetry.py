"""Asserting on what was logged, counted and traced."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from maestro_core_logging.testing import capture_logs
from maestro_core_monitoring import MetricsCollector
from maestro_core_monitoring.testing import CapturedSpan, CapturedSpans, MetricChanges, captured_spans

_SHOWN: Final = 20


class Telemetry:
    """What a test has made the process log, count and trace.

    Args:
        logs: The lines.
        spans: The spans that ended.
        metrics: Where it is counted; None where nothing is.
    """

    def __init__(self, logs: list[dict[str, Any]], spans: CapturedSpans, metrics: MetricsCollector | None) -> None:
        self.logs = logs
        self.spans = spans
        self.watch(metrics)

    def watch(self, metrics: MetricsCollector | None) -> None:
        """Count in other metrics from now on.

        Args:
            metrics: Of the application under test.
        """
        self._changes = None if metrics is None else MetricChanges(metrics)

    def assert_logged(self, event: str, /, *, times: int | None = None, **fields: Any) -> dict[str, Any]:
        """Fail unless an event was logged.

        Args:
            event: What happened.
            times: How often. Default: at least once.
            **fields: Fields that the line must have, with equal values.

        Returns:
            The first such line.

        Raises:
            AssertionError: It was not, or not so often; the message shows what was logged.
        """
        found = self._logged(event, fields)
        if not found or (times is not None and len(found) != times):
            wanted = "at least once" if times is None else f"{times} times"
            raise AssertionError(
                _told(f"{event!r}{_with(fields)} was logged {len(found)} times, not {wanted}", map(_line, self.logs))
            )
        return found[0]

    def assert_not_logged(self, event: str, /, **fields: Any) -> None:
        """Fail when an event was logged.

        Args:
            event: What happened.
            **fields: Fields that the line would have.

        Raises:
            AssertionError: It was.
        """
        if found := self._logged(event, fields):
            raise AssertionError(_told(f"{event!r}{_with(fields)} was logged", map(_line, found)))

    def assert_counted(self, name: str, /, by: float | None = None, **labels: str) -> None:
        """Fail unless a metric has changed.

        Args:
            name: As Prometheus shows it: counters end in `_total`, the calls of histograms in `_count`.
            by: By how much. Default: by something above zero.
            **labels: Labels of the series; those that are not named may have any value.

        Raises:
            AssertionError: It has not, or by another number; the message shows what has changed.
        """
        change = 0.0 if self._changes is None else self._changes.of(name, **labels)
        if (by is None and change <= 0) or (by is not None and change != by):
            wanted = "above zero" if by is None else f"{by:g}"
            told = [] if self._changes is None else self._changes.told()
            raise AssertionError(_told(f"{name}{_with(labels)} changed by {change:g}, not by {wanted}", told))

    def assert_span(
        self, name: str, /, attributes: Mapping[str, Any] | None = None, *, status: str | None = None
    ) -> CapturedSpan:
        """Fail unless a span has ended.

        Args:
            name: Its name.
            attributes: Attributes that it must have, with equal values.
            status: `ok`, `error` or `unset`. Default: any.

        Returns:
            The first such span.

        Raises:
            AssertionError: None has; the message shows those that have.
        """
        wanted = attributes or {}
        for span in self.spans:
            has = span.attributes
            is_meant = span.name == name and all(key in has and has[key] == value for key, value in wanted.items())
            if is_meant and status in (None, span.status):
                return span
        asked = f"{name!r}{_with(wanted)}" + ("" if status is None else f" and status {status}")
        raise AssertionError(_told(f"no span {asked} has ended", map(_span, self.spans)))

    def _logged(self, event: str, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            line
            for line in self.logs
            if line["event"] == event and all(key in line and line[key] == value for key, value in fields.items())
        ]


@contextmanager
def recorded_telemetry(metrics: MetricsCollector | None = None) -> Iterator[Telemetry]:
    """Record what is logged, counted and traced while the block runs; log lines are kept instead of written.

    Args:
        metrics: Of the application under test.

    Yields:
        The recording; it fills while the block runs.
    """
    with capture_logs() as logs, captured_spans() as spans:
        yield Telemetry(logs, spans, metrics)


def _with(fields: Mapping[str, Any]) -> str:
    return f" with {dict(fields)}" if fields else ""


def _told(message: str, seen: Any) -> str:
    lines = list(seen)
    shown = [f"  {line}" for line in lines[:_SHOWN]] or ["  nothing"]
    more = [f"  and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join([f"{message}; there was:", *shown, *more])


def _line(line: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in line.items() if key not in {"event", "timestamp", "exception"}}
    return f"{line['event']!r} {rest}"


def _span(span: CapturedSpan) -> str:
    return f"{span.name!r} {span.status} {dict(span.attributes)}"
