"""Sending log records to an OpenTelemetry receiver, as docs/logging.md shows it."""

from __future__ import annotations

from maestro_core_logging import OtlpExport, configure_logging, get_logger


# region: export
def configure(endpoint: str, token: str) -> None:
    configure_logging(
        "shop-service",
        otlp=OtlpExport(endpoint=endpoint, headers={"authorization": f"Bearer {token}"}),
    )
    get_logger(__name__).info("Exported, too")


# endregion: export
