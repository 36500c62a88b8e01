"""Handing a trace on: with an HTTP request, an event, a message, a workflow's start.

The two attributes are those of the W3C (Trace Context) and of the CloudEvents extension "Distributed Tracing".
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_FIELDS: Final = ("traceparent", "tracestate")
_BINARY_MODE: Final = "ce-"
"""Before every attribute of a CloudEvent whose attributes travel as HTTP headers."""


class Carrier(Protocol):
    """What takes attributes by name: a dictionary of headers, a CloudEvent."""

    def __setitem__(self, name: str, value: str, /) -> None:
        """Set an attribute."""


class HasAttributes(Protocol):
    """A CloudEvent of the CNCF's SDK."""

    def get_attributes(self) -> Mapping[str, Any]:
        """Return its attributes."""


_C = TypeVar("_C", bound=Carrier)


def inject(carrier: _C, *, context: Context | None = None) -> _C:
    """Write the trace that runs here into something that goes to somebody else.

    Args:
        carrier: Headers of a request, a CloudEvent as a dictionary or an object of the CNCF's SDK, a message. It gets
            `traceparent`, and `tracestate` if there is one; outside of any trace it stays as it is.
        context: The context of the trace; None takes the current one.

    Returns:
        The carrier itself.
    """
    _PROPAGATOR.inject(carrier, context=context, setter=_SETTER)
    return carrier


def extract(carrier: Mapping[Any, Any] | Iterable[tuple[Any, Any]] | HasAttributes) -> Context:
    """Read the trace that came with something.

    Args:
        carrier: A mapping, pairs of names and values as in ASGI, or a CloudEvent of the CNCF's SDK. Names may be in any case,
            and begin with `ce-` as those of a CloudEvent in HTTP headers do; names and values may be bytes.

    Returns:
        A context to start a span in. Without a usable trace it is empty, and the span begins a new one.
    """
    found: dict[str, str] = {}
    for name, value in _pairs(carrier):
        plain = _text(name).lower()
        field = plain.removeprefix(_BINARY_MODE)
        # An event says where it comes from; the request that brought it may have been traced by somebody in between.
        if field in _FIELDS and (field not in found or plain != field):
            found[field] = _text(value)
    return _PROPAGATOR.extract(found, Context())


@contextmanager
def continued_trace(
    carrier: Mapping[Any, Any] | Iterable[tuple[Any, Any]] | HasAttributes,
    name: str,
    *,
    kind: SpanKind = SpanKind.CONSUMER,
    attributes: Attributes = None,
) -> Iterator[Span]:
    """Run a block in a span of the trace that came with something.

    Args:
        carrier: See `extract`.
        name: Of the span.
        kind: Of the span; by default that of a consumer of events.
        attributes: Of the span.

    Yields:
        The span.
    """
    tracer = trace.get_tracer("maestro_core_monitoring")
    with tracer.start_as_current_span(name, context=extract(carrier), kind=kind, attributes=attributes) as span:
        yield span


class _Setter:
    def set(self, carrier: Carrier, key: str, value: str) -> None:
        carrier[key] = value


_SETTER: Final[Any] = _Setter()


def _pairs(carrier: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(carrier, Mapping):
        return carrier.items()
    attributes = getattr(carrier, "get_attributes", None)
    pairs: Iterable[tuple[Any, Any]] = attributes().items() if callable(attributes) else carrier
    return pairs


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
