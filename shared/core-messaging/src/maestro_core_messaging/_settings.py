"""What a service sets about its events."""

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field

MEMORY_URL: Final = "memory://"
_SCHEMES: Final = ("nats", "tls", "ws", "wss", "memory")


def _broker_url(value: str) -> str:
    for part in value.split(","):
        if urlsplit(part.strip()).scheme not in _SCHEMES:
            raise ValueError("must be an address such as nats://127.0.0.1:4222, several with commas, or memory://")
    return value


class MessagingSettings(BaseModel):
    """Mixin for the configuration of a service that publishes or consumes events.

    Example:
        >>> from maestro_core_config import BaseConfig
        >>> class OrdersConfig(MessagingSettings, BaseConfig): ...
    """

    messaging_url: Annotated[str, AfterValidator(_broker_url)] | None = None
    """Address of NATS, `nats://…`; several servers of a cluster with commas. None: `memory://`, events stay in this process."""
    messaging_credentials: Path | None = None
    """A file of NATS credentials (`.creds`). Default none."""
    messaging_connect_timeout_s: float = Field(default=10.0, gt=0)
    """How long the start of a service waits for the server, in seconds. Default 10."""
    messaging_publish_timeout_s: float = Field(default=10.0, gt=0)
    """How long publishing tries before it gives up, in seconds. Default 10."""
    messaging_retention_s: float = Field(default=604_800.0, ge=0)
    """How long events are kept, in seconds; 0 for ever. Consumers that are away for longer miss some. Used when the stream
    is made. Default 7 days."""
    messaging_dead_letter_retention_s: float = Field(default=7_776_000.0, ge=0)
    """How long dead letters are kept, in seconds; 0 for ever. Used when the stream is made. Default 90 days."""
    messaging_max_bytes: int = Field(default=-1, ge=-1)
    """Room for events on the server, in bytes; the oldest go when it is full. -1: as much as the server has. Used when the
    stream is made."""
    messaging_duplicate_window_s: float = Field(default=120.0, gt=0)
    """For how long the server recognises an event that is published again, in seconds. Used when the stream is made.
    Default 120."""
    messaging_replicas: int = Field(default=1, ge=1, le=5)
    """On how many servers of a cluster events are kept. Used when the stream is made. Default 1."""
    messaging_ack_wait_s: float = Field(default=10.0, ge=1)
    """How long the server waits for an instance that has died before others get what it had, in seconds. Default 10."""

    @property
    def messaging_server(self) -> str:
        """The address, default or not."""
        return self.messaging_url or MEMORY_URL
