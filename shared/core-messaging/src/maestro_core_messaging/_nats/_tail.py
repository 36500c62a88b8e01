"""Following what is published, without being a consumer that the server remembers."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final

from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy

from maestro_core_messaging._nats._connection import Connection
from maestro_core_messaging._nats._failures import explained
from maestro_core_messaging._nats._streams import EVENTS
from maestro_core_messaging._transport import Stored

_LOOK_S: Final = 5.0


async def tail(connection: Connection, subjects: Sequence[str], since: datetime | None) -> AsyncIterator[Stored]:
    """Yield what is published on subjects, in the order of the stream."""
    config = ConsumerConfig(
        filter_subjects=list(subjects),
        deliver_policy=DeliverPolicy.NEW if since is None else DeliverPolicy.BY_START_TIME,
        opt_start_time=None if since is None else since.astimezone(UTC),
    )
    with explained(connection.server, "following events"):
        subscription = await connection.jetstream.subscribe(
            subjects[0], stream=EVENTS, config=config, ordered_consumer=True
        )
    try:
        while True:
            try:
                message = await subscription.next_msg(timeout=_LOOK_S)
            except TimeoutError:
                continue
            yield _stored(message)
    finally:
        with explained(connection.server, "ending to follow events"):
            await subscription.unsubscribe()


def _stored(message: Msg) -> Stored:
    about = message.metadata
    return Stored(
        subject=message.subject,
        body=message.data,
        sequence=about.sequence.stream,
        stored_at=about.timestamp,
        headers=message.headers or {},
    )
