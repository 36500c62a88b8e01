"""Where spans are sent, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from maestro_core_monitoring._errors import MonitoringError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter


@dataclass(frozen=True, slots=True)
class OtlpExport:
    """Export of spans over OTLP/HTTP with protobuf."""

    endpoint: str
    """Base address of the receiver (`http://127.0.0.1:4318`); `/v1/traces` is added when it has no path."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers of every request, as tokens. Default: none."""
    timeout: timedelta = timedelta(seconds=10)
    """How long a batch may take, retries included. Default: 10 s."""
    compression: Literal["none", "gzip"] = "none"
    """How requests are compressed. Default: not."""
    certificate: Path | None = None
    """Certificate authority of the receiver. Default: those of the system."""
    queue_size: int = 2_048
    """How many spans may wait; further ones are dropped and counted. Default: 2,048."""
    batch_size: int = 512
    """How many spans go into one request. Default: 512."""
    interval: timedelta = timedelta(seconds=5)
    """How long a span waits for others at most. Default: 5 s."""

    def __post_init__(self) -> None:
        if not 0 < self.batch_size <= self.queue_size:
            raise MonitoringError(
                f"a batch of {self.batch_size} spans does not fit a queue of {self.queue_size}: 1 <= batch_size <= queue_size"
            )

    def exporter(self) -> "SpanExporter":
        """Return what sends spans there."""
        # Loaded here because it brings protobuf and requests, a tenth of a service's start-up, for those who export.
        from opentelemetry.exporter.otlp.proto.http import Compression  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        return OTLPSpanExporter(
            endpoint=traces_url(self.endpoint),
            headers=dict(self.headers) or None,
            timeout=self.timeout.total_seconds(),
            compression=Compression.Gzip if self.compression == "gzip" else Compression.NoCompression,
            certificate_file=None if self.certificate is None else str(self.certificate),
        )


def traces_url(endpoint: str) -> str:
    """Return the address that spans are posted to."""
    base = endpoint.rstrip("/")
    return base if base.count("/") > 2 else f"{base}/v1/traces"
