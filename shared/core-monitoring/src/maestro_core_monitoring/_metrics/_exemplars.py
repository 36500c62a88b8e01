"""Which trace a measured value belongs to, for whoever looks at a slow or failed request in a chart."""

import time
from collections.abc import Mapping
from typing import Final

from opentelemetry import trace
from prometheus_client.samples import Exemplar as RenderedExemplar

from maestro_core_monitoring._tracing._receivers import RECEIVERS

MAX_EXEMPLAR_CHARACTERS: Final = 128
"""OpenMetrics 1.0, "Exemplars": names and values together."""

Exemplar = tuple[int | Mapping[str, str], float, float]
"""Trace id or labels, the value, and when it was measured, in seconds since 1970."""


def current_exemplar(value: float, given: Mapping[str, str] | None = None) -> Exemplar | None:
    """Return what to remember of a value.

    Args:
        value: What was measured.
        given: The caller's own labels; None takes the trace that is recorded now.

    Returns:
        The exemplar; None when no trace is recorded here, or nobody receives traces.
    """
    if given is not None:
        return dict(given), value, time.time()
    if not RECEIVERS.present:
        return None
    span = trace.get_current_span()
    if not span.is_recording():
        return None
    context = span.get_span_context()
    return (context.trace_id, value, time.time()) if context.trace_flags.sampled else None


def rendered(exemplar: Exemplar | None) -> RenderedExemplar | None:
    """Return an exemplar as the exposition writes it; None for none, and for labels that are longer than the format allows."""
    if exemplar is None:
        return None
    source, value, at = exemplar
    labels = {"trace_id": f"{source:032x}"} if isinstance(source, int) else dict(source)
    if sum(len(name) + len(text) for name, text in labels.items()) > MAX_EXEMPLAR_CHARACTERS:
        return None
    return RenderedExemplar(labels, value, round(at, 3))
