"""Dead letters, in a stream of their own: the body is the event as it arrived, the headers tell the rest."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from maestro_core_messaging._dead_letter import DeadLetter
from maestro_core_messaging._errors import DeadLetterNotFoundError, EventTooLargeError
from maestro_core_messaging._nats._connection import Connection
from maestro_core_messaging._nats._failures import explained
from maestro_core_messaging._nats._streams import DEAD, DEAD_PREFIX, EVENTS
from maestro_core_messaging._transport import Outgoing, Receipt

_HEADER: Final = "Maestro-Dead-Letter"
LETTER_BYTES: Final = 8_192
"""A dead letter has no more bytes than this besides its body."""
_TOLD_BYTES: Final = LETTER_BYTES - 1_024
_NAME_BYTES: Final = 1_024
"""Of these, the id and the key of an event, which may be as long as they like, and the subject have so much each."""


class Graveyard:
    """Keeps and finds dead letters.

    Args:
        connection: To the server.
        publish_to: Publishes a message to a stream.
    """

    def __init__(self, connection: Connection, publish_to: Callable[[str, Outgoing], Awaitable[Receipt]]) -> None:
        self._connection = connection
        self._publish_to = publish_to

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter; the server takes the same one once."""
        try:
            await self._publish_to(DEAD, _message(letter))
        except EventTooLargeError:
            # Only somebody else's event leaves no room for the reason. It must not hold up its key for ever.
            where = f"number {letter.sequence} of the stream {EVENTS}"
            detail = f"too large to be kept here, it is {where}; {letter.detail}"
            await self._publish_to(DEAD, _message(replace(letter, body=b"", detail=detail)))

    async def each(self, consumer: str | None) -> AsyncIterator[DeadLetter]:
        """Read them, oldest first."""
        subject = DEAD_PREFIX + (consumer or "*")
        position = 1
        while True:
            try:
                with explained(self._connection.server, "reading dead letters"):
                    found = await self._found(position, subject)
            except _NoneLeftError:
                return
            yield _read(found)
            position = (found.seq or position) + 1

    async def get(self, letter_id: str) -> DeadLetter:
        """Return one."""
        with explained(self._connection.server, "reading a dead letter"):
            try:
                return _read(await self._connection.jetstream.get_msg(DEAD, seq=_number(letter_id)))
            except NotFoundError:
                raise DeadLetterNotFoundError(letter_id) from None

    async def discard(self, letter_id: str) -> None:
        """Remove one."""
        with explained(self._connection.server, "removing a dead letter"):
            await self.get(letter_id)
            try:
                await self._connection.jetstream.delete_msg(DEAD, _number(letter_id))
            except NotFoundError:
                raise DeadLetterNotFoundError(letter_id) from None

    async def _found(self, position: int, subject: str) -> RawStreamMsg:
        try:
            return await self._connection.jetstream.get_msg(DEAD, seq=position, subject=subject, next=True)
        except NotFoundError:
            raise _NoneLeftError from None


class _NoneLeftError(Exception):
    """There are no more."""


def _message(letter: DeadLetter) -> Outgoing:
    return Outgoing(
        DEAD_PREFIX + letter.consumer,
        letter.body,
        f"{letter.consumer}:{letter.sequence}",
        {_HEADER: _written(letter)},
    )


def _written(letter: DeadLetter) -> str:
    told = {
        "consumer": letter.consumer,
        "subject": _cut(letter.subject, _NAME_BYTES),
        "sequence": letter.sequence,
        "reason": letter.reason,
        "detail": "",
        "deliveries": letter.deliveries,
        "died_at": letter.died_at.isoformat(),
        "trace_id": letter.trace_id,
        "event_id": None if letter.event_id is None else _cut(letter.event_id, _NAME_BYTES),
        "key": None if letter.key is None else _cut(letter.key, _NAME_BYTES),
    }
    return json.dumps({**told, "detail": _cut(letter.detail, _TOLD_BYTES - len(json.dumps(told)))})


def _cut(text: str, most_bytes: int) -> str:
    if len(json.dumps(text)) <= most_bytes:
        return text
    kept = text[:most_bytes]
    while len(json.dumps(f"{kept}…")) > most_bytes:
        kept = kept[: len(kept) * 9 // 10]
    return f"{kept}…"


def _read(message: RawStreamMsg) -> DeadLetter:
    headers: Mapping[str, str] = message.headers or {}
    told = json.loads(headers[_HEADER])
    return DeadLetter(
        **{**told, "died_at": datetime.fromisoformat(told["died_at"])},
        id=str(message.seq),
        body=message.data or b"",
    )


def _number(letter_id: str) -> int:
    if not (letter_id.isascii() and letter_id.isdigit()) or letter_id == "0" or len(letter_id) > 18:
        raise DeadLetterNotFoundError(letter_id)
    return int(letter_id)
