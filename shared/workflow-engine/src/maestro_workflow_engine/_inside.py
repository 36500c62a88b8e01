"""What workflow code calls besides asyncio: signals, time, chance, queries, versions."""

from __future__ import annotations

import asyncio
import random as _random
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from maestro_workflow_engine import _attributes, _payload
from maestro_workflow_engine._attributes import AttributeValue
from maestro_workflow_engine._errors import WorkflowContextError
from maestro_workflow_engine.machine._current import current_machine
from maestro_workflow_engine.machine._machine import ContinueAsNewSignal, WorkflowMachine


def machine_of(caller: str) -> WorkflowMachine:
    """Return the machine of the workflow that is running.

    Args:
        caller: The public function that needs it.

    Raises:
        WorkflowContextError: Called outside a workflow.
    """
    machine = current_machine()
    if machine is None:
        raise WorkflowContextError(f"{caller}() works only inside a running workflow")
    return machine


@dataclass(frozen=True, slots=True)
class WorkflowInfo:
    """Facts about the current run."""

    run_id: str
    """The run's id."""

    workflow: str
    """The workflow's name."""

    version: str
    """The workflow's version."""

    parent_id: str | None
    """The id of the run that started this one as a child, if one did."""

    started_at: datetime
    """When the run started, UTC."""

    replaying: bool
    """Whether the code is being taken through its history again; skip logging while it is."""

    attributes: Mapping[str, AttributeValue]
    """The run's search attributes, by name."""


def info() -> WorkflowInfo:
    """Return facts about the current run.

    Raises:
        WorkflowContextError: Called outside a workflow.
    """
    machine = machine_of("info")
    return WorkflowInfo(
        run_id=machine.run_id,
        workflow=machine.definition.name,
        version=machine.definition.version,
        parent_id=machine.parent_id,
        started_at=_moment(machine.started_us),
        replaying=machine.replaying,
        attributes=_attributes.shown(machine.attributes.current),
    )


def now() -> datetime:
    """Return the workflow's time, UTC: that of the last thing that happened to the run. The same in every replay.

    Raises:
        WorkflowContextError: Called outside a workflow.
    """
    return _moment(machine_of("now").now_us)


def uuid4() -> uuid.UUID:
    """Return a random UUID that is the same in every replay.

    Raises:
        WorkflowContextError: Called outside a workflow.
    """
    return uuid.UUID(int=machine_of("uuid4").random.getrandbits(128), version=4)


def random() -> _random.Random:
    """Return the run's random number generator; its numbers are the same in every replay.

    Raises:
        WorkflowContextError: Called outside a workflow.
    """
    return machine_of("random").random


async def receive(name: str, *, timeout: timedelta | None = None, type: Any = Any) -> Any:  # noqa: A002  reads like a signature
    """Wait for a signal.

    Signals of one name arrive in the order in which they were sent; those sent before the call are kept for it.

    Args:
        name: The signal's name.
        timeout: How long to wait. Default: for ever.
        type: What the payload is to become. Default: plain JSON values.

    Returns:
        The signal's payload.

    Raises:
        TimeoutError: The signal did not come in time.
        PayloadError: The payload does not fit the type.
        WorkflowContextError: Called outside a workflow.
    """
    machine = machine_of("receive")
    async with asyncio.timeout(None if timeout is None else timeout.total_seconds()):
        raw = await machine.receive(name)
    return _payload.decode(raw, type)


def on_update(
    name: str,
    handler: Callable[[Any], Awaitable[Any]],
    *,
    validate: Callable[[Any], object] | None = None,
    type: Any = Any,  # noqa: A002  reads like a signature
) -> None:
    """Answer updates: requests from outside that get a result back.

    Args:
        name: What `handle.update` asks for.
        handler: An async function of the payload; what it returns is the answer, what it raises goes back to the caller. It
            runs beside the workflow and may use steps.
        validate: Called with the payload first; what it raises rejects the request before the handler sees it.
        type: What the payload is to become. Default: plain JSON values.

    Raises:
        WorkflowContextError: Called outside a workflow.
        WorkflowDefinitionError: The handler is not async.
    """
    machine_of("on_update").updates.set_handler(name, handler, validate, type)


def publish(key: str, value: Any) -> None:
    """Make a value readable from outside through `handle.query(key)`.

    Args:
        key: What to ask for.
        value: Any JSON-like value or model; it replaces the one before.

    Raises:
        WorkflowContextError: Called outside a workflow.
        PayloadError: The value has no JSON form.
    """
    machine_of("publish").published[key] = _payload.encode(value)


def set_attributes(**attributes: AttributeValue | None) -> None:
    """Set search attributes of the run: values by which `engine.runs` finds it. None removes one; others stay.

    A run keeps them over `continue_as_new`, and they are readable in the journal even where payloads are encrypted.

    Args:
        **attributes: Text or a list of keywords (together up to 1 KiB), whole numbers of 64 bits, other numbers, truth
            values, aware datetimes. Names have up to 64 letters, digits, `_` and `.`; pass those with a dot as
            `**{"order.region": "eu"}`. A run has at most 64.

    Raises:
        WorkflowContextError: Called outside a workflow.
        SearchAttributeError: A name or value is none, or there are too many; nothing was set.
    """
    machine_of("set_attributes").set_attributes(_attributes.changes(attributes))


def patched(change: str) -> bool:
    """Tell whether this run takes the new side of a change to the workflow's code.

    Runs that passed this place before the change was deployed go on with the old side; all others take the new one.

    Args:
        change: A name for the change, unique within the workflow.

    Returns:
        True on the new side.

    Raises:
        WorkflowContextError: Called outside a workflow.
    """
    return machine_of("patched").patched(change)


def continue_as_new(*args: Any, **kwargs: Any) -> NoReturn:
    """End this pass of the workflow and start over with new arguments and an empty history, under the same id.

    Args:
        *args: The workflow's arguments.
        **kwargs: Its keyword arguments.

    Raises:
        WorkflowContextError: Called outside a workflow.
        PayloadError: The arguments do not fit the workflow.
    """
    raise ContinueAsNewSignal(machine_of("continue_as_new").definition.signature.encode(args, kwargs))


def _moment(us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
