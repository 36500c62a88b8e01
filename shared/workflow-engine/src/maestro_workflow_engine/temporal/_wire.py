"""What travels between engine, workers and cluster besides the users' own payloads. Fields are added, never renamed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from maestro_workflow_engine._attributes import Stored
from maestro_workflow_engine._failure import Failure
from maestro_workflow_engine.machine._events import Event
from maestro_workflow_engine.machine._pending import Wait

T = TypeVar("T")
PAUSE, RESUME = "maestro.pause", "maestro.resume"
"""Signals that the host takes for itself."""

STATE = "maestro.state"
"""The query that tells where a run stands."""

ANOTHER_ATTEMPT = "attempt 0"
"""The summary of the timer until the next attempt of a step that had failed before the run came to this cluster."""

TO_ITSELF = "maestro.to-itself"
"""The activity by which a run signals or cancels itself."""

VERSION_MARK = "maestro.version "
"""How the marker begins by which a run holds on to the version that it chose."""

EVENTS_MARK = "maestro.events"
"""The marker of a run that uses events: those of releases without it had been refused them, and replay so."""

ANNOUNCED = "child started by handle"
"""How the summary of a child begins whose start is an event of its own."""


class Start(msgspec.Struct, frozen=True, omit_defaults=True):
    """The second argument of every run: how it begins.

    Attributes:
        version: The workflow's version; None for whichever the worker has last.
        trace: The caller's W3C traceparent.
        first_seq: The highest sequence number that earlier passes have used.
        signals: What earlier passes have not received, (name, payload).
        seed: Of the run's random numbers; None lets the cluster draw it.
        prologue: Events of another run (fork, import, retry) or of another engine that this one begins with.
        attributes: The search attributes at first.
        not_before_us: When it begins at the earliest, in µs since the epoch.
        searchable: Whether the namespace has the custom attribute by which runs are found.
        children: How those children of the prologue begin that had begun before and have not ended, by the number of their call.
        parent_id: The id of a parent that the cluster does not know of.
        moved_from: The id of the journal that the run was moved from.
        revived: How those children go on, by id, that stopped with their parent: it was retried.
        events: CloudEvents that came to an earlier pass and that nobody in it has heard.
        heard: The number of the last CloudEvent that came to one.
        since: The version of what the run listened for at first.
        listening: What the hub of events knows that the run listens for, as encoded filters.
    """

    version: str | None = None
    trace: str | None = None
    first_seq: int = 0
    signals: tuple[tuple[str, msgspec.Raw], ...] = ()
    seed: int | None = None
    prologue: tuple[Event, ...] = ()
    attributes: dict[str, Stored] | None = None
    not_before_us: int = 0
    searchable: bool = False
    children: dict[int, Start] | None = None
    parent_id: str | None = None
    moved_from: str | None = None
    revived: dict[str, Start] = {}
    events: tuple[msgspec.Raw, ...] = ()
    heard: int = 0
    since: int = 0
    listening: str = "[]"


class Options(msgspec.Struct, frozen=True, omit_defaults=True):
    """The options of a step that are not those of its module: they were given for one call.

    Attributes:
        max_attempts: As in RetryPolicy.
        initial_us: As in RetryPolicy.
        backoff: As in RetryPolicy.
        max_us: As in RetryPolicy.
        jitter: As in RetryPolicy.
        non_retryable: Names of exceptions, `module:qualname`.
        timeout_us: The limit for one attempt; None for no limit.
        total_us: The limit for all attempts; None for no limit.
        heartbeat_us: The longest silence; None for no limit.
    """

    max_attempts: int
    initial_us: int
    backoff: float
    max_us: int
    jitter: float
    non_retryable: tuple[str, ...] = ()
    timeout_us: int | None = None
    total_us: int | None = None
    heartbeat_us: int | None = None


class Call(msgspec.Struct, frozen=True, omit_defaults=True):
    """The second argument of every step: which function it is.

    Attributes:
        module: The module that has the step; empty when only the worker that asked knows it.
        name: Its qualified name there.
        trace: The run's W3C traceparent.
        deadline_us: When its total timeout is over, in µs since the epoch; 0 for never.
        options: Options of this call; None for those of its module.
        earlier_attempts: How often it was tried before the run came to this cluster.
    """

    module: str = ""
    name: str = ""
    trace: str | None = None
    deadline_us: int = 0
    options: Options | None = None
    earlier_attempts: int = 0


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """The second argument of TO_ITSELF: what a run asks of itself.

    Attributes:
        signal: The signal's name; None for a cancel request.
        reason: Of the cancel request.
    """

    signal: str | None = None
    reason: str = ""


class Told(msgspec.Struct, frozen=True):
    """What goes with each sign of life, behind what the step itself says.

    Attributes:
        failed: How many attempts of the step have failed so far; lost ones are none.
        said: Whether a step has said something at all.
    """

    failed: int
    said: bool


class State(msgspec.Struct, frozen=True):
    """Where a run stands: the answer to the query STATE."""

    published: dict[str, msgspec.Raw]
    waiting_for: list[Wait]
    paused: bool = False
    problem: str | None = None


class Reason(msgspec.Struct, frozen=True):
    """What comes with PAUSE."""

    reason: str = ""


class FailureDetail(msgspec.Struct, frozen=True):
    """What Temporal's failures carry: the engine's own record of the exception, and the attempt it happened in."""

    failure: Failure
    attempt: int = 1


_METADATA = {"encoding": b"json/plain"}
_BY_WORKFLOW = re.compile(r"^Cancel requested by workflow with run id \S+ with reason: ")
_NUMBER, _ATTEMPT = "maestro-seq", "maestro-attempt"


def raw(data: bytes | msgspec.Raw) -> RawValue:
    """Return JSON text as a value that Temporal's converter passes on as it is."""
    return RawValue(Payload(metadata=_METADATA, data=bytes(data)))


def numbered(data: msgspec.Raw, seq: int) -> RawValue:
    """Return JSON text as such a value that also says, to who reads the sender's history, which call it belongs to."""
    return RawValue(Payload(metadata={**_METADATA, _NUMBER: str(seq).encode()}, data=bytes(data)))


def number_of(payload: Payload) -> int:
    """Return the number of the call that a payload belongs to; 0 when it does not say."""
    return _marked(payload, _NUMBER)


def attempted(data: msgspec.Raw, attempt: int) -> RawValue:
    """Return JSON text as such a value that also says in which attempt it came about: the cluster counts lost ones too."""
    return RawValue(Payload(metadata={**_METADATA, _ATTEMPT: str(attempt).encode()}, data=bytes(data)))


def attempt_of(payload: Payload) -> int:
    """Return the attempt that a result came about in; 0 when it does not say."""
    return _marked(payload, _ATTEMPT)


def _marked(payload: Payload, mark: str) -> int:
    text = payload.metadata.get(mark, b"")
    return int(text) if text.isdigit() else 0


def packed(value: Any) -> RawValue:
    """Return a record of this module as such a value."""
    return raw(msgspec.json.encode(value))


def json_of(values: Sequence[RawValue], index: int = 0) -> msgspec.Raw:
    """Return the JSON text of an argument; `null` when it is absent (another client left it out)."""
    if index >= len(values):
        return msgspec.Raw(b"null")
    return text_of(values[index].payload)


def text_of(payload: Payload) -> msgspec.Raw:
    """Return a payload as JSON text; Temporal's own form of None has no bytes."""
    return msgspec.Raw(payload.data or b"null")


def unpacked(values: Sequence[RawValue], index: int, expected: type[T]) -> T:
    """Return an argument as a record of this module; one of defaults when it is absent."""
    if index >= len(values):
        return expected()
    return msgspec.json.decode(bytes(json_of(values, index)), type=expected)


def cancel_reason(text: str) -> str:
    """Return why a run was asked to stop, without what the cluster says of the run that asked."""
    return _BY_WORKFLOW.sub("", text)
