"""A cluster's history as the engine's: Temporal's events in, the journal's kinds of events out, in the cluster's order."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType as Kind
from temporalio.api.enums.v1 import RetryState
from temporalio.api.failure.v1 import Failure as TemporalFailure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.common import RawValue
from temporalio.converter import DataConverter

from maestro_workflow_engine._attributes import Stored, is_same
from maestro_workflow_engine._errors import WorkflowNotFoundError
from maestro_workflow_engine._failure import Failure, describe
from maestro_workflow_engine.embedded._attribute_rows import attributes_of
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.temporal._failures import detail_of, final_failure
from maestro_workflow_engine.temporal._search import ATTRIBUTES_MEMO
from maestro_workflow_engine.temporal._wire import (
    ANNOUNCED,
    EVENTS_MARK,
    PAUSE,
    RESUME,
    TO_ITSELF,
    Reason,
    Request,
    Start,
    attempt_of,
    cancel_reason,
    number_of,
    text_of,
)
from maestro_workflow_engine.temporal.events._wire import HEARD, TELL, Heard, Listens, Word

_STORED = dict[str, Stored]
_NULL = msgspec.Raw(b"null")
_VERSION_MARKER = "maestro.version "
_OWN_MARKERS = (_VERSION_MARKER, EVENTS_MARK)


@dataclass(slots=True)
class _Asked:
    """A step, timer or child that was asked for."""

    seq: int
    name: str
    input: msgspec.Raw = field(default_factory=lambda: _NULL)
    run_id: str = ""
    started: int = 0
    attempt: int = 1
    limit: timedelta | None = None
    is_child: bool = False
    is_announced: bool = False
    request: Request | None = None


class Translator:
    """Reads a run's history from its beginning, event by event.

    Args:
        converter: Decodes payloads.

    Attributes:
        run_id: The run's id, once the start has been read.
        workflow: The workflow's name, once the start has been read.
        version: Its version; None when its starter named none.
        last_seq: The highest number that was given to a step, timer or other run so far.
        next_run: The cluster's id of the pass that follows, once this one has ended by `continue_as_new`.
        heard: The number of the last CloudEvent that the run has heard.
    """

    def __init__(self, converter: DataConverter) -> None:
        self._converter = converter
        self._asked: dict[int, _Asked] = {}
        self._is_paused = False
        self._offset = 0
        self._attributes: dict[str, Stored] = {}
        self._waits_to_begin = False
        self._asked_before: set[str] = set()
        self._answered_before: set[str] = set()
        self.run_id = ""
        self.workflow: str | None = None
        self.version: str | None = None
        self.last_seq = 0
        self.next_run: str | None = None
        self.heard = self._since = 0

    async def read(self, event: HistoryEvent) -> list[tuple[int, ev.Event]]:
        """Return what an event of the cluster is to the engine: nothing, one event, or a start with its prologue."""
        if event.event_type == Kind.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            return await self._started(event)
        translate = _TRANSLATIONS.get(event.event_type)
        found = None if translate is None else await translate(self, event, _us(event.event_time))
        asked = self._asked.get(event.event_id)
        self._note(0 if asked is None else asked.seq)
        self._note(getattr(found, "seq", 0))
        if found is None:
            return []
        read = [(self._offset + event.event_id, found)]
        if self._waits_to_begin and isinstance(found, ev.RunResumed):
            self._waits_to_begin = False
            self._offset += 1
            read.append((self._offset + event.event_id, ev.RunAdmitted(found.time)))
        return read

    def children_before(self, position: int) -> dict[int, str]:
        """Return the children that had been asked for before a position: their run ids by their numbers."""
        asked = {at: each for at, each in self._asked.items() if each.is_child and self._offset + at < position}
        return {each.seq: each.run_id for each in asked.values()}

    def _note(self, seq: int) -> None:
        self.last_seq = max(self.last_seq, seq)

    async def _started(self, event: HistoryEvent) -> list[tuple[int, ev.Event]]:
        about, values = event.workflow_execution_started_event_attributes, []
        values = await self._texts(about.input.payloads)
        start = msgspec.json.decode(bytes(values[1]), type=Start) if len(values) > 1 else Start()
        self.heard, self._since = start.heard, start.since
        self.run_id, self.workflow, self.version = about.workflow_id, about.workflow_type.name, start.version
        self._note(start.first_seq)
        for earlier in start.prologue:
            self._note(getattr(earlier, "first_seq", 0) or getattr(earlier, "seq", 0))
        if start.prologue:
            self._attributes = attributes_of(start.prologue)
            pauses = [each for each in start.prologue if isinstance(each, ev.RunPaused | ev.RunResumed)]
            self._is_paused = bool(pauses) and isinstance(pauses[-1], ev.RunPaused)
            self._asked_before = {each.update_id for each in start.prologue if isinstance(each, ev.UpdateRequested)}
            self._answered_before = {each.update_id for each in start.prologue if isinstance(each, ev.UpdateAnswered)}
            begins = list(start.prologue)
            if has_not_begun(begins):
                if self._is_paused:
                    self._waits_to_begin = True
                else:
                    begins.append(ev.RunAdmitted(max(_us(event.event_time), start.not_before_us)))
            self._offset = len(begins)
            return list(enumerate(begins))
        self._attributes = start.attributes or {}
        input_ = values[0] if values else _NULL
        at = _us(event.event_time)
        first = ev.RunStarted(at, input_, start.seed or 0, start.trace, start.first_seq, start.attributes)
        came: list[ev.Event] = [ev.SignalReceived(first.time, name, payload) for name, payload in start.signals]
        came += [ev.EventReceived(first.time, event) for event in start.events]
        self._offset = len(came)
        return list(enumerate([first, *came]))

    async def _values(self, payloads: Iterable[Payload]) -> list[Payload]:
        kept = list(payloads)
        decoded: Sequence[RawValue] = await self._converter.decode(kept, [RawValue] * len(kept)) if kept else []
        return [value.payload for value in decoded]

    async def _texts(self, payloads: Iterable[Payload]) -> list[msgspec.Raw]:
        return [text_of(value) for value in await self._values(payloads)]

    async def _text(self, payloads: Iterable[Payload]) -> msgspec.Raw:
        return next(iter(await self._texts(payloads)), _NULL)

    async def _summary(self, event: HistoryEvent) -> int:
        return _last_number(bytes(await self._text([event.user_metadata.summary])).decode())

    async def _failure(self, failure: TemporalFailure) -> Failure:
        return detail_of(await self._converter.decode_failure(failure)).failure

    # ── steps and timers ─────────────────────────────────────────────────────────────────────────────────────────

    async def _step_scheduled(self, event: HistoryEvent, _: int) -> None:
        about = event.activity_task_scheduled_event_attributes
        seq, inputs = int(about.activity_id) if about.activity_id.isdecimal() else 0, about.input.payloads
        asked = _Asked(seq, about.activity_type.name, await self._text(inputs))
        asked.limit = about.schedule_to_close_timeout.ToTimedelta()
        if asked.name == TELL:
            said = msgspec.json.decode(bytes(asked.input), type=list[Word])
            versions = [each.version for each in said if isinstance(each, Listens)]
            self._since = self._since or next(iter(versions), 0)
        if asked.name == TO_ITSELF:
            asked.request = msgspec.json.decode(bytes((await self._texts(inputs))[1]), type=Request)
        self._asked[event.event_id] = asked

    async def _step_started(self, event: HistoryEvent, at: int) -> None:
        about = event.activity_task_started_event_attributes
        asked = self._asked[about.scheduled_event_id]
        asked.started, asked.attempt = at, about.attempt

    async def _step_completed(self, event: HistoryEvent, at: int) -> ev.Event | None:
        about = event.activity_task_completed_event_attributes
        a = self._asked[about.scheduled_event_id]
        if a.name == TELL:  # what a run listens for is no event of its own
            return ev.EventPublished(at, a.seq) if a.seq else None
        if a.request is not None:
            if a.request.signal is None:
                return ev.CancelSent(at, a.seq, self.run_id)
            return ev.SignalSent(at, a.seq, self.run_id, a.request.signal)
        result = next(iter(await self._values(about.result.payloads)), Payload())
        attempt = attempt_of(result) or a.attempt
        return ev.StepCompleted(at, a.seq, a.name, a.input, text_of(result), a.started, attempt)

    async def _step_failed(self, event: HistoryEvent, at: int) -> ev.Event | None:
        about = event.activity_task_failed_event_attributes
        is_over = about.retry_state == RetryState.RETRY_STATE_TIMEOUT
        return await self._failed(about.scheduled_event_id, about.failure, at, is_over=is_over)

    async def _step_timed_out(self, event: HistoryEvent, at: int) -> ev.Event | None:
        about = event.activity_task_timed_out_event_attributes
        return await self._failed(about.scheduled_event_id, about.failure, at, is_over=True)

    async def _failed(self, scheduled: int, failure: TemporalFailure, at: int, *, is_over: bool) -> ev.Event | None:
        a, error = self._asked[scheduled], await self._converter.decode_failure(failure)
        if a.name == TELL:
            return ev.RequestFailed(at, a.seq, "", detail_of(error).failure) if a.seq else None
        found = final_failure(a.name, a.limit, error, is_over=is_over)
        return ev.StepFailed(at, a.seq, a.name, a.input, found.failure, a.started, found.attempt)

    async def _timer_started(self, event: HistoryEvent, _: int) -> None:
        self._asked[event.event_id] = _Asked(await self._summary(event), "timer")

    async def _timer_fired(self, event: HistoryEvent, at: int) -> ev.Event:
        return ev.TimerFired(at, self._asked[event.timer_fired_event_attributes.started_event_id].seq)

    async def _marker(self, event: HistoryEvent, at: int) -> ev.Event | None:
        about = event.marker_recorded_event_attributes
        if about.marker_name == "core_patch":
            found = msgspec.json.decode(bytes(await self._text(about.details["patch-data"].payloads)))
            change = str(found.get("id", ""))
            return None if change.startswith(_OWN_MARKERS) else ev.PatchRecorded(at, change)
        if about.marker_name == "core_local_activity":
            data = msgspec.json.decode(bytes(await self._text(about.details["data"].payloads)))
            seq, name, attempt = int(data["activity_id"]), str(data["activity_type"]), int(data.get("attempt", 1))
            if about.HasField("failure"):
                return ev.StepFailed(at, seq, name, _NULL, await self._failure(about.failure), at, attempt)
            output = await self._text(about.details["result"].payloads)
            return ev.StepCompleted(at, seq, name, _NULL, output, at, attempt)
        return None

    # ── from outside ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _signalled(self, event: HistoryEvent, at: int) -> ev.Event | None:
        about = event.workflow_execution_signaled_event_attributes
        payload = await self._text(about.input.payloads)
        if about.signal_name == HEARD:
            heard = msgspec.json.decode(bytes(payload), type=Heard)
            if heard.number <= self.heard or not self._since or heard.version < self._since:
                return None  # brought once more, or to another run of its id: that changed nothing
            self.heard = heard.number
            return ev.EventReceived(at, heard.event)
        if about.signal_name in (PAUSE, RESUME):
            was, self._is_paused = self._is_paused, about.signal_name == PAUSE
            if was is self._is_paused:
                return None  # asked once more, which changed nothing
        if about.signal_name == PAUSE:
            return ev.RunPaused(at, msgspec.json.decode(bytes(payload), type=Reason).reason)
        if about.signal_name == RESUME:
            return ev.RunResumed(at)
        return ev.SignalReceived(at, about.signal_name, payload)

    async def _update_accepted(self, event: HistoryEvent, at: int) -> ev.Event | None:
        request = event.workflow_execution_update_accepted_event_attributes.accepted_request
        if request.meta.update_id in self._asked_before:
            return None  # asked again by somebody who had not heard of its answer
        payload = await self._text(request.input.args.payloads)
        return ev.UpdateRequested(at, request.meta.update_id, request.input.name, payload)

    async def _update_completed(self, event: HistoryEvent, at: int) -> ev.Event | None:
        about = event.workflow_execution_update_completed_event_attributes
        if about.meta.update_id in self._answered_before:
            return None
        if about.outcome.HasField("failure"):
            return ev.UpdateAnswered(at, about.meta.update_id, failure=await self._failure(about.outcome.failure))
        return ev.UpdateAnswered(at, about.meta.update_id, await self._text(about.outcome.success.payloads))

    async def _cancel_requested(self, event: HistoryEvent, at: int) -> ev.Event:
        return ev.CancelRequested(at, cancel_reason(event.workflow_execution_cancel_requested_event_attributes.cause))

    async def _properties(self, event: HistoryEvent, at: int) -> ev.Event | None:
        memo = event.workflow_properties_modified_event_attributes.upserted_memo.fields
        if ATTRIBUTES_MEMO not in memo:
            return None
        before, after = self._attributes, msgspec.json.decode(await self._text([memo[ATTRIBUTES_MEMO]]), type=_STORED)
        self._attributes = after
        changed: dict[str, Stored | None] = {name: None for name in before if name not in after}
        changed |= {name: value for name, value in after.items() if not is_same(before.get(name), value)}
        return ev.AttributesSet(at, changed)

    # ── requests to other runs ───────────────────────────────────────────────────────────────────────────────────

    async def _signal_asked(self, event: HistoryEvent, _: int) -> None:
        about = event.signal_external_workflow_execution_initiated_event_attributes
        decoded = await self._converter.decode(list(about.input.payloads), [RawValue] * len(about.input.payloads))
        seq = number_of(decoded[0].payload) if decoded else 0
        self._asked[event.event_id] = _Asked(seq, about.signal_name, run_id=about.workflow_execution.workflow_id)

    async def _signal_sent(self, event: HistoryEvent, at: int) -> ev.Event:
        a = self._asked[event.external_workflow_execution_signaled_event_attributes.initiated_event_id]
        return ev.SignalSent(at, a.seq, a.run_id, a.name)

    async def _signal_refused(self, event: HistoryEvent, at: int) -> ev.Event:
        a = self._asked[event.signal_external_workflow_execution_failed_event_attributes.initiated_event_id]
        return ev.RequestFailed(at, a.seq, a.run_id, _unknown(a.run_id))

    # A cancel request carries no number: a run that is forked after one asks once more, which changes nothing.

    async def _cancel_sent(self, event: HistoryEvent, at: int) -> ev.Event:
        about = event.external_workflow_execution_cancel_requested_event_attributes
        return ev.CancelSent(at, 0, about.workflow_execution.workflow_id)

    async def _cancel_refused(self, event: HistoryEvent, at: int) -> ev.Event:
        about = event.request_cancel_external_workflow_execution_failed_event_attributes
        run_id = about.workflow_execution.workflow_id
        return ev.RequestFailed(at, 0, run_id, _unknown(run_id))

    # ── children ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _child_asked(self, event: HistoryEvent, _: int) -> None:
        about = event.start_child_workflow_execution_initiated_event_attributes
        text = bytes(await self._text([event.user_metadata.summary])).decode().strip('"')
        asked = _Asked(_last_number(text), about.workflow_type.name, run_id=about.workflow_id, is_child=True)
        asked.is_announced = text.startswith(ANNOUNCED)
        self._asked[event.event_id] = asked

    async def _child_started(self, event: HistoryEvent, at: int) -> ev.Event | None:
        a = self._asked[event.child_workflow_execution_started_event_attributes.initiated_event_id]
        return ev.ChildStarted(at, a.seq, a.name, a.run_id) if a.is_announced else None

    async def _child_completed(self, event: HistoryEvent, at: int) -> ev.Event:
        about = event.child_workflow_execution_completed_event_attributes
        a = self._asked[about.initiated_event_id]
        return ev.ChildCompleted(at, a.seq, a.name, a.run_id, await self._text(about.result.payloads))

    async def _child_failed(self, event: HistoryEvent, at: int) -> ev.Event:
        about = event.child_workflow_execution_failed_event_attributes
        a = self._asked[about.initiated_event_id]
        return ev.ChildFailed(at, a.seq, a.name, a.run_id, await self._failure(about.failure))

    async def _child_refused(self, event: HistoryEvent, at: int) -> ev.Event:
        a = self._asked[event.start_child_workflow_execution_failed_event_attributes.initiated_event_id]
        taken = Failure(
            "maestro_workflow_engine._errors:WorkflowConflictError", f"run id {a.run_id!r} is taken by another run"
        )
        return ev.ChildFailed(at, a.seq, a.name, a.run_id, taken)

    async def _child_cancelled(self, event: HistoryEvent, at: int) -> ev.Event:
        a = self._asked[event.child_workflow_execution_canceled_event_attributes.initiated_event_id]
        return ev.ChildCancelled(at, a.seq, a.name, a.run_id)

    async def _child_terminated(self, event: HistoryEvent, at: int) -> ev.Event:
        a = self._asked[event.child_workflow_execution_terminated_event_attributes.initiated_event_id]
        return ev.ChildCancelled(at, a.seq, a.name, a.run_id)

    # ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _completed(self, event: HistoryEvent, at: int) -> ev.Event:
        return ev.RunCompleted(
            at, await self._text(event.workflow_execution_completed_event_attributes.result.payloads)
        )

    async def _run_failed(self, event: HistoryEvent, at: int) -> ev.Event:
        return ev.RunFailed(at, await self._failure(event.workflow_execution_failed_event_attributes.failure))

    async def _timed_out(self, _: HistoryEvent, at: int) -> ev.Event:
        return ev.RunFailed(at, Failure("builtins:TimeoutError", "the cluster's time limit for the run passed"))

    async def _cancelled(self, _: HistoryEvent, at: int) -> ev.Event:
        return ev.RunCancelled(at)

    async def _terminated(self, event: HistoryEvent, at: int) -> ev.Event:
        return ev.RunTerminated(at, event.workflow_execution_terminated_event_attributes.reason)

    async def _continued(self, event: HistoryEvent, at: int) -> ev.Event:
        about = event.workflow_execution_continued_as_new_event_attributes
        self.next_run = about.new_execution_run_id
        return ev.RunContinued(at, await self._text(about.input.payloads))


_Translation = Callable[[Translator, HistoryEvent, int], Coroutine[Any, Any, ev.Event | None]]
_TRANSLATIONS: dict[int, _Translation] = {
    Kind.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: Translator._step_scheduled,
    Kind.EVENT_TYPE_ACTIVITY_TASK_STARTED: Translator._step_started,
    Kind.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: Translator._step_completed,
    Kind.EVENT_TYPE_ACTIVITY_TASK_FAILED: Translator._step_failed,
    Kind.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: Translator._step_timed_out,
    Kind.EVENT_TYPE_TIMER_STARTED: Translator._timer_started,
    Kind.EVENT_TYPE_TIMER_FIRED: Translator._timer_fired,
    Kind.EVENT_TYPE_MARKER_RECORDED: Translator._marker,
    Kind.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: Translator._signalled,
    Kind.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: Translator._update_accepted,
    Kind.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED: Translator._update_completed,
    Kind.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED: Translator._cancel_requested,
    Kind.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: Translator._child_asked,
    Kind.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED: Translator._properties,
    Kind.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: Translator._signal_asked,
    Kind.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED: Translator._signal_sent,
    Kind.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: Translator._signal_refused,
    Kind.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED: Translator._cancel_sent,
    Kind.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: Translator._cancel_refused,
    Kind.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED: Translator._child_started,
    Kind.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED: Translator._child_refused,
    Kind.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: Translator._child_completed,
    Kind.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: Translator._child_failed,
    Kind.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED: Translator._child_cancelled,
    Kind.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED: Translator._child_terminated,
    Kind.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: Translator._completed,
    Kind.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: Translator._run_failed,
    Kind.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: Translator._timed_out,
    Kind.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: Translator._cancelled,
    Kind.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: Translator._terminated,
    Kind.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: Translator._continued,
}


def has_not_begun(events: Iterable[ev.Event]) -> bool:
    """Tell whether a run with these events waits to begin."""
    waits = False
    for event in events:
        if isinstance(event, ev.RunStarted):
            waits = event.admission is not None
        elif isinstance(event, ev.RunAdmitted):
            waits = False
    return waits


def _last_number(text: str) -> int:
    number = text.strip('"').rpartition(" ")[2]
    return int(number) if number.isdecimal() else 0


def _unknown(run_id: str) -> Failure:
    return describe(WorkflowNotFoundError(run_id, f"there is no run {run_id!r}, or it has ended"))


def _us(time: Timestamp) -> int:
    return time.ToMicroseconds()
