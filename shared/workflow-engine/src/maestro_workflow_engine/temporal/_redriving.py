"""Where a failed run goes on, and its children with it: those that failed or were stopped go on too, those that ended are heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maestro_workflow_engine._errors import WorkflowNotFoundError
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine.embedded._attribute_rows import attributes_of
from maestro_workflow_engine.embedded._branching import History, before_failure
from maestro_workflow_engine.embedded._loading import effective
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.temporal._history import Translator
from maestro_workflow_engine.temporal._run_reading import TemporalReading
from maestro_workflow_engine.temporal._wire import Start

_HEARD = (ev.ChildCompleted, ev.ChildFailed, ev.ChildCancelled)
_STOPS = (ev.CancelRequested, ev.RunTerminated)


@dataclass(frozen=True, slots=True)
class Redriving:
    """Looks up how failed runs go on."""

    reading: TemporalReading
    """Reads runs."""

    async def of_failed(self, run_id: str) -> Start:
        """Return how a failed run goes on from its last failed step.

        Raises:
            WorkflowConflictError: No step of it failed, or none of the child that failed it.
        """
        read, history = await self.reading.told(run_id)
        return await self._again(run_id, read, history, before_failure(run_id, history))

    async def _of_stopped(self, run_id: str) -> Start | None:
        """Return how a run goes on that was stopped because its parent had closed; None when nothing had stopped it."""
        read, history = await self.reading.told(run_id)
        events = [event for _, event in effective(history)]
        stops = [index for index, event in enumerate(events) if isinstance(event, _STOPS)]
        return await self._again(run_id, read, history, events[: stops[-1]]) if stops else None

    async def _again(self, run_id: str, read: Translator, history: History, kept: Sequence[ev.Event]) -> Start:
        position, dropped = effective(history)[len(kept)]
        events, children = list(kept), dict[str, Start]()
        heard = {event.seq for event in events if isinstance(event, _HEARD)}
        asked = {event.run_id for event in events if isinstance(event, ev.CancelSent)}
        begun = {event.seq: event.run_id for event in events if isinstance(event, ev.ChildStarted)}
        for seq, child in (begun | read.children_before(position)).items():
            if seq in heard or not await self._is_child_of(child, run_id):
                continue
            status = (await self.reading.detail(child)).status
            if isinstance(dropped, ev.ChildFailed) and dropped.seq == seq:
                if status is RunStatus.FAILED:
                    children[child] = await self.of_failed(child)
            elif status in (RunStatus.CANCELLED, RunStatus.TERMINATED) and child not in asked:
                stopped = await self._of_stopped(child)
                if stopped is not None:
                    children[child] = stopped
            elif (end := await self._end(seq, child)) is not None:
                events.append(end)
        first = next(event for event in events if isinstance(event, ev.RunStarted))
        return Start(
            version=read.version,
            trace=first.trace,
            prologue=tuple(events),
            attributes=attributes_of(events) or None,
            searchable=self.reading.searchable,
            revived=children,
            heard=read.heard,
        )

    async def _is_child_of(self, child: str, parent: str) -> bool:
        try:
            return (await self.reading.description(child)).parent_id == parent
        except WorkflowNotFoundError:  # it is no longer kept: it begins anew
            return False

    async def _end(self, seq: int, child: str) -> ev.Event | None:
        """Return what a parent would have heard of a child's end; None when it has not ended."""
        read, history = await self.reading.told(child)
        name = read.workflow or ""
        match history[-1][1]:
            case ev.RunCompleted(time=time, output=output):
                return ev.ChildCompleted(time, seq, name, child, output)
            case ev.RunFailed(time=time, failure=failure):
                return ev.ChildFailed(time, seq, name, child, failure)
            case ev.RunCancelled(time=time) | ev.RunTerminated(time=time):
                return ev.ChildCancelled(time, seq, name, child)
        return None
