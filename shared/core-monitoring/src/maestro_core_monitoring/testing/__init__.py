"""Asserting on spans and metrics.

With pytest: `pytest_plugins = ["maestro_core_monitoring.testing.fixtures"]` in a conftest brings both as fixtures.
"""

from ._metrics import MetricChanges, metric_changes, metric_value, metric_values
from ._spans import CapturedSpan, CapturedSpans, captured_spans

__all__ = [
    "CapturedSpan",
    "CapturedSpans",
    "MetricChanges",
    "captured_spans",
    "metric_changes",
    "metric_value",
    "metric_values",
]
