"""How payloads are kept."""

from __future__ import annotations

from dataclasses import dataclass

from maestro_workflow_engine._payload_codec import PayloadCodec
from maestro_workflow_engine._payload_store import PayloadStore

DEFAULT_LIMIT_BYTES = 256 * 1024
DEFAULT_MAX_BYTES = 4 * 1024 * 1024
_LOWEST_MAX_BYTES = 64 * 1024  # the record of a failure always fits


@dataclass(frozen=True, slots=True)
class PayloadOptions:
    """Codec, store and limits of an engine."""

    codec: PayloadCodec | None = None
    """Encodes payloads before they are kept. Default: they are kept as they are."""

    store: PayloadStore | None = None
    """Holds what is larger than `limit_bytes`. Default: everything is in the journal."""

    limit_bytes: int = DEFAULT_LIMIT_BYTES
    """The largest payload, encoded, that goes into the journal when there is a store. Default: 256 KiB."""

    max_bytes: int = DEFAULT_MAX_BYTES
    """The largest payload, before it is encoded, that an engine without a store takes. Default: 4 MiB."""

    def __post_init__(self) -> None:
        """Refuse limits that are none.

        Raises:
            ValueError: `limit_bytes` is less than 1, or `max_bytes` less than 64 KiB.
        """
        if self.limit_bytes < 1:
            raise ValueError("payload_limit_bytes must be at least 1")
        if self.max_bytes < _LOWEST_MAX_BYTES:
            raise ValueError(f"max_payload_bytes must be at least {_LOWEST_MAX_BYTES:,}")
