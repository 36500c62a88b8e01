"""Events of our runs on their way out: kept with what caused them, and handed to the sink in order, each at least once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from maestro_core_logging import get_logger
from maestro_workflow_engine._event_origin import with_origin
from maestro_workflow_engine._event_sink import EventSink
from maestro_workflow_engine._payload_errors import PayloadUnreadableError
from maestro_workflow_engine.embedded import _event_rows as rows
from maestro_workflow_engine.embedded._journal import Write, nothing
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._reader import JournalReader
from maestro_workflow_engine.embedded._sealing import Sealer
from maestro_workflow_engine.embedded._uploads import Uploads

if TYPE_CHECKING:
    from maestro_workflow_engine.embedded._together import Together

_OWNER, _NAME = "outbox", "event"
_AT_ONCE = 100
_AGAIN_FIRST_S = 0.1
_AGAIN_LONGEST_S = 30.0
_logger = get_logger(__name__)


class Outbox:
    """What is to leave. Without a sink nothing is kept for it.

    Args:
        journal: Takes the writes.
        reader: Knows what is kept.
        sealer: Seals it.
        sink: Takes the events; None for nobody.
    """

    def __init__(self, journal: Uploads, reader: JournalReader, sealer: Sealer, sink: EventSink | None) -> None:
        self._journal = journal
        self._reader = reader
        self._sealer = sealer
        self._sink = sink
        self._last = reader.last_in_outbox()
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start to hand over, with what an earlier engine left."""
        if self._sink is not None:
            self._wanted.set()
            self._task = asyncio.get_running_loop().create_task(self._forward(self._sink), name="handing events over")

    async def close(self) -> None:
        """Stop; what was not handed over is offered again by the next engine."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def put(self, event: bytes, run: LiveRun, together: Together) -> None:
        """Keep an event of a run with what caused it."""
        if self._sink is None:
            return
        self._last += 1
        leaves = bytes(with_origin(event, run.id, None if run.machine is None else run.machine.trace))
        together.also(rows.leaving(self._last, self._sealer.seal_value(_OWNER, _NAME, leaves)))
        together.then(self._wanted.set)

    async def _forward(self, sink: EventSink) -> None:
        sent = 0
        while True:
            waiting = self._reader.outbox(sent, _AT_ONCE)
            if not waiting:
                await self._wanted.wait()
                self._wanted.clear()
                continue
            for number, kept in waiting:
                await self._hand_over(sink, number, kept)
                sent = number
            self._journal.submit(Write(nothing, also=(rows.left(sent),)))

    async def _hand_over(self, sink: EventSink, number: int, kept: bytes) -> None:
        try:
            event = msgspec.json.decode(self._sealer.open_value(_OWNER, _NAME, kept))
        except PayloadUnreadableError as error:
            _logger.error("Event cannot be read and is not handed over", number=number, problem=str(error))
            return
        delay = _AGAIN_FIRST_S
        while True:
            try:
                await sink.send(event)
                return
            except Exception as error:  # noqa: BLE001  whatever a sink raises, the event is offered again
                if delay == _AGAIN_FIRST_S:
                    _logger.error("Events cannot be handed over; retrying, nothing is lost", problem=str(error))
                await asyncio.sleep(delay)
                delay = min(delay * 2, _AGAIN_LONGEST_S)
