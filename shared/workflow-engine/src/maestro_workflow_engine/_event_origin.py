"""Where events come from: the run that published one, and the trace that it belongs to.

Source: the CloudEvents extensions "Distributed Tracing" (`traceparent`) and "Partitioning" (`partitionkey`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from opentelemetry import trace as otel
from opentelemetry.context import attach, detach
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR: Final = TraceContextTextMapPropagator()


def with_origin(event: bytes | msgspec.Raw, run_id: str, trace: str | None) -> msgspec.Raw:
    """Add the origin to an event that leaves the engine; what the event says of it itself stays.

    Runs that listen get the event without it, so that a replay of what was recorded earlier sees the same.

    Args:
        event: A CloudEvent in its JSON form.
        run_id: The run that publishes it: those who keep the order of keys then keep that of a run's events.
        trace: The run's W3C traceparent; None when it was started outside any trace.

    Returns:
        The event in its JSON form.
    """
    # The values stay as they are written; only the attributes are looked at.
    attributes: dict[str, msgspec.Raw] = msgspec.json.decode(event, type=dict[str, msgspec.Raw])
    attributes.setdefault("partitionkey", msgspec.Raw(msgspec.json.encode(run_id)))
    if trace is not None:
        attributes.setdefault("traceparent", msgspec.Raw(msgspec.json.encode(trace)))
    return msgspec.Raw(msgspec.json.encode(attributes))


def trace_of(event: Mapping[str, Any]) -> str | None:
    """Return the W3C traceparent of an event; None when it has none.

    Args:
        event: A CloudEvent in its JSON form.
    """
    found = event.get("traceparent")
    return found if isinstance(found, str) else None


@contextmanager
def in_trace(traceparent: str | None) -> Iterator[None]:
    """Be in a trace while the block runs, as if its caller had called; without one, or with one that is none, where one is.

    Args:
        traceparent: The trace.

    Yields:
        Nothing.
    """
    context = _PROPAGATOR.extract({} if traceparent is None else {"traceparent": traceparent})
    if not otel.get_current_span(context).get_span_context().is_valid:
        yield
        return
    token = attach(context)
    try:
        yield
    finally:
        detach(token)
