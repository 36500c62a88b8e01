"""The OpenTelemetry protocol (OTLP 1.x over HTTP), as the store's records."""

from ._encoding import Encoding, packed, unpacked
from ._logs import logs_in
from ._metrics import points_in
from ._spans import spans_in

__all__ = ["Encoding", "logs_in", "packed", "points_in", "spans_in", "unpacked"]
