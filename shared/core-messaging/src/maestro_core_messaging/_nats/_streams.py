"""The streams on the server: events, dead letters, and who is at work for an ordered consumer."""

from typing import Final

from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import BucketNotFoundError, NotFoundError

from maestro_core_messaging._errors import StreamsMissingError
from maestro_core_messaging._replays import REPLAY_PREFIX
from maestro_core_messaging._settings import MessagingSettings

EVENTS: Final = "MAESTRO"
DEAD: Final = "MAESTRO_DEAD"
DEAD_PREFIX: Final = "maestro-dead."
LEASES: Final = "maestro-consumers"
LEASE_S: Final = 10.0


async def expect_streams(stream: JetStreamContext, server: str) -> None:
    """Raise `StreamsMissingError` unless the streams are there."""
    for name in (EVENTS, DEAD):
        try:
            await stream.stream_info(name)
        except NotFoundError:
            raise StreamsMissingError(name, server=server) from None


async def ensure_streams(stream: JetStreamContext, settings: MessagingSettings) -> None:
    """Make the streams that are not there. Those that are there stay as whoever runs the server has set them."""
    await _ensure(
        stream,
        StreamConfig(
            name=EVENTS,
            description="Events of all services, and replayed dead letters.",
            subjects=["maestro.>", f"{REPLAY_PREFIX}*"],
            max_age=settings.messaging_retention_s,
            max_bytes=settings.messaging_max_bytes,
            duplicate_window=_window_s(settings.messaging_duplicate_window_s, settings.messaging_retention_s),
            discard=DiscardPolicy.OLD,
            storage=StorageType.FILE,
            num_replicas=settings.messaging_replicas,
            allow_direct=True,
        ),
    )
    await _ensure(
        stream,
        StreamConfig(
            name=DEAD,
            description="Events that a consumer could not handle.",
            subjects=[f"{DEAD_PREFIX}*"],
            max_age=settings.messaging_dead_letter_retention_s,
            duplicate_window=_window_s(
                settings.messaging_duplicate_window_s, settings.messaging_dead_letter_retention_s
            ),
            storage=StorageType.FILE,
            num_replicas=settings.messaging_replicas,
            allow_direct=True,
        ),
    )
    await _ensure_leases(stream, settings)


def _window_s(window_s: float, retention_s: float) -> float:
    return min(window_s, retention_s) if retention_s else window_s


async def _ensure_leases(stream: JetStreamContext, settings: MessagingSettings) -> None:
    try:
        await stream.key_value(LEASES)
    except BucketNotFoundError:
        await stream.create_key_value(
            bucket=LEASES,
            description="Which instance is at work for an ordered consumer.",
            ttl=LEASE_S,
            storage=StorageType.FILE,
            replicas=settings.messaging_replicas,
        )


async def _ensure(stream: JetStreamContext, config: StreamConfig) -> None:
    assert config.name is not None
    try:
        await stream.stream_info(config.name)
    except NotFoundError:
        await stream.add_stream(config)
