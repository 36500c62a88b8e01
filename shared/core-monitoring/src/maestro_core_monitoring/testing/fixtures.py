"""The same as pytest fixtures: `pytest_plugins = ["maestro_core_monitoring.testing.fixtures"]`."""

from collections.abc import Iterator

import pytest

from maestro_core_monitoring._metrics._collector import MetricsCollector

from ._spans import CapturedSpans, captured_spans


@pytest.fixture(name="captured_spans")
def captured_spans_of_the_test() -> Iterator[CapturedSpans]:
    """The spans that ended during the test."""
    with captured_spans() as spans:
        yield spans


@pytest.fixture
def metrics_collector() -> MetricsCollector:
    """A collector that nothing else counts in."""
    return MetricsCollector("tests")
