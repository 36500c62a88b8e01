"""What workflow code does with other runs: children of its own, and runs that it knows by id."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

import msgspec

from maestro_workflow_engine import _payload
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import WorkflowContextError, WorkflowEndedError
from maestro_workflow_engine._inside import machine_of
from maestro_workflow_engine._parent_close import ParentClose
from maestro_workflow_engine.machine import _kin
from maestro_workflow_engine.machine._machine import WorkflowMachine
from maestro_workflow_engine.machine._pending import PendingChild

P = ParamSpec("P")
R = TypeVar("R")


class ChildHandle(Generic[R]):
    """A child that is on its way, for the workflow that started it. `await child` is `await child.result()`.

    Attributes:
        id: The child's run id.
    """

    def __init__(
        self, machine: WorkflowMachine, seq: int, child: PendingChild, decode: Callable[[msgspec.Raw], Any]
    ) -> None:
        self.id = _kin.child_id(machine.run_id, seq, child.run_id)
        self._machine = machine
        self._seq = seq
        self._child = child
        self._decode = decode

    async def result(self) -> R:
        """Wait for the child to end; ask as often as you like. Whoever waits may be cancelled: the child goes on.

        Returns:
            The child's result; of a workflow that was started by name as plain JSON values.

        Raises:
            WorkflowFailedError: The child failed.
            WorkflowCancelledError: The child was cancelled or terminated.
        """
        return cast("R", self._decode(await _kin.child_result(self._machine, self._seq, self._child)))

    def __await__(self) -> Generator[Any, None, R]:
        return self.result().__await__()

    async def signal(self, name: str, payload: Any = None) -> None:
        """Send the child a signal; returns once it is kept. It is sent once, whatever crashes.

        Args:
            name: What the child `receive`s.
            payload: Any JSON-like value or model.

        Raises:
            WorkflowEndedError: The child has ended.
            PayloadError: The payload has no JSON form, or is too large for an engine without a payload store.
        """
        await _kin.send_signal(self._machine, self.id, name, _payload.encode(payload), self._seq)

    async def cancel(self, reason: str = "") -> None:
        """Ask the child to stop; returns once that is kept, and does not wait for its end. A child that has ended stays as it is.

        Args:
            reason: Kept in the child's history.
        """
        with contextlib.suppress(WorkflowEndedError):
            await _kin.send_cancel(self._machine, self.id, reason, self._seq)

    def __repr__(self) -> str:
        return f"<child {self.id}>"


@overload
async def start_child(
    workflow: WorkflowDefinition[P, R],
    *args: Any,
    id: str | None = None,
    on_parent_close: ParentClose = ParentClose.CANCEL,
    **kwargs: Any,
) -> ChildHandle[R]: ...
@overload
async def start_child(
    workflow: str,
    *args: Any,
    id: str | None = None,
    on_parent_close: ParentClose = ParentClose.CANCEL,
    **kwargs: Any,
) -> ChildHandle[Any]: ...
async def start_child(
    workflow: WorkflowDefinition[..., Any] | str,
    *args: Any,
    id: str | None = None,  # noqa: A002  the field's term
    on_parent_close: ParentClose = ParentClose.CANCEL,
    **kwargs: Any,
) -> ChildHandle[Any]:
    """Start another workflow as a child, without waiting for its end.

    Args:
        workflow: The workflow, or its name ("name" or "name:version"); by name it may be a document.
        *args: Its arguments; by name, the one input value.
        id: The child's run id. Default: the parent's id and a number.
        on_parent_close: What happens to the child when this workflow ends, or starts over, before it. Default: it is cancelled.
        **kwargs: Its keyword arguments.

    Returns:
        A handle on the child, once the child is kept: from then on it cannot be lost.

    Raises:
        WorkflowFailedError: The child could not be started: its id is taken, or there is no such workflow.
        PayloadError: An argument has no JSON form.
        WorkflowContextError: Called outside a workflow.
    """
    machine = machine_of("start_child")
    child, decode = _asked_for(machine, workflow, args, kwargs, id, on_parent_close)
    return ChildHandle(machine, await _kin.start_child(machine, child), child, decode)


async def run_child(
    workflow: WorkflowDefinition[..., Any] | str,
    *args: Any,
    id: str | None = None,  # noqa: A002  the field's term
    on_parent_close: ParentClose = ParentClose.CANCEL,
    **kwargs: Any,
) -> Any:
    """Run another workflow as a child and wait for its result. The child is cancelled with whoever waits for it.

    Args:
        workflow: The workflow, or its name ("name" or "name:version"); by name it may be a document.
        *args: Its arguments; by name, the one input value.
        id: The child's run id. Default: the parent's id and a number.
        on_parent_close: What happens to the child when this workflow ends, or starts over, before it. Default: it is cancelled.
        **kwargs: Its keyword arguments.

    Returns:
        The child's result; by name as plain JSON values.

    Raises:
        WorkflowFailedError: The child failed.
        WorkflowCancelledError: The child was cancelled on its own.
        WorkflowContextError: Called outside a workflow.
    """
    machine = machine_of("run_child")
    child, decode = _asked_for(machine, workflow, args, kwargs, id, on_parent_close)
    return decode(await _kin.run_child(machine, child))


async def signal_run(run_id: str, name: str, payload: Any = None) -> None:
    """Send a signal from a workflow to any run; returns once it is kept. It is sent once, whatever crashes.

    A caller that is cancelled meanwhile does not take the signal back.

    Args:
        run_id: The run.
        name: What it `receive`s.
        payload: Any JSON-like value or model.

    Raises:
        WorkflowNotFoundError: There is no such run.
        WorkflowEndedError: The run has ended.
        PayloadError: The payload has no JSON form, or is too large for an engine without a payload store.
        WorkflowContextError: Called outside a workflow.
    """
    await _kin.send_signal(machine_of("signal_run"), run_id, name, _payload.encode(payload))


async def cancel_run(run_id: str, reason: str = "") -> None:
    """Ask any run to stop, from a workflow; returns once that is kept, and does not wait for the run's end.

    Args:
        run_id: The run.
        reason: Kept in its history.

    Raises:
        WorkflowNotFoundError: There is no such run.
        WorkflowEndedError: The run has ended.
        WorkflowContextError: Called outside a workflow.
    """
    await _kin.send_cancel(machine_of("cancel_run"), run_id, reason)


def _asked_for(
    machine: WorkflowMachine,
    workflow: WorkflowDefinition[..., Any] | str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    run_id: str | None,
    on_close: ParentClose,
) -> tuple[PendingChild, Callable[[msgspec.Raw], Any]]:
    close = ParentClose(on_close).value
    if isinstance(workflow, WorkflowDefinition):
        raw = workflow.signature.encode(args, kwargs)
        child = _kin.new_child(machine, workflow.name, workflow.version, raw, run_id, close)
        return child, workflow.signature.decode_result
    if kwargs or len(args) > 1:
        raise WorkflowContextError("a workflow called by name takes one input value")
    name, _, version = workflow.partition(":")
    raw = _payload.encode(args[0] if args else None)
    return _kin.new_child(machine, name, version or None, raw, run_id, close), _payload.decode
