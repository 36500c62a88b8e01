"""Runs as they move: one, and below it the children that it has not heard of yet, each with the events that it begins with there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from maestro_workflow_engine._errors import WorkflowError
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.embedded._loading import effective, replay
from maestro_workflow_engine.embedded._reader import RunRow
from maestro_workflow_engine.machine import WorkflowMachine
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.moving._source import Departure, JournalSource, Leaving, is_open


@dataclass(slots=True)
class Member:
    """A run that is to move.

    Attributes:
        row: Its row, as it stood.
        parent_id: The run that started it; None for none.
        events: What it begins with in the other engine.
        inputs: The sizes in bytes of what it is about to ask for, by name.
        children: Those that go with it, by the number of their call.
        end: The position behind its last event in the journal.
        news: Those of its events that the journal has not: ends of children.
        place: Its row in the queues, settings and whether it has begun; None when it has none.
        unfinished: Names of the steps that have not completed.
        reasons: Why it cannot move.
        notes: What will be different for it.
    """

    row: RunRow
    parent_id: str | None = None
    events: list[ev.Event] = field(default_factory=list)
    inputs: dict[str, int] = field(default_factory=dict)
    children: dict[int, Member] = field(default_factory=dict)
    end: int = 0
    news: list[ev.Event] = field(default_factory=list)
    place: tuple[str, int] | None = None
    unfinished: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def admission(self) -> ev.Admission | None:
        """What it waits for, or has waited for, before it begins, as it stands; None when nothing held it back."""
        return self.started.admission if self.place is None else msgspec.json.decode(self.place[0], type=ev.Admission)

    @property
    def waits_in(self) -> str | None:
        """The queue in which it waits to begin; None when it does not."""
        return None if self.place is None or self.place[1] or self.admission is None else self.admission.queue

    @property
    def started(self) -> ev.RunStarted:
        """How its current pass started."""
        return next(event for event in self.events if isinstance(event, ev.RunStarted))

    def all(self) -> Iterator[Member]:
        """Yield it and everything below it, parents first."""
        yield self
        for child in self.children.values():
            yield from child.all()


class Families:
    """Puts families together.

    Args:
        source: The journal.
        registry: The workflows that the other engine has.
    """

    def __init__(self, source: JournalSource, registry: WorkflowRegistry) -> None:
        self._source = source
        self._registry = registry

    def all(self) -> Iterator[Member]:
        """Yield every family that has not ended, by the age of its first run. Each run is in one of them."""
        seen: set[int] = set()
        for key in self._source.open_runs():
            row = None if key in seen else self._source.row(key)
            if row is not None and is_open(row):
                family = self._member(row, {})
                seen.update(member.row.key for member in family.all())
                yield family

    def departed(self, departure: Departure) -> Member | None:
        """Return a family that was marked, as it stood before; None when it was purged since."""
        leaving = {run.key: run for run in departure.runs}
        first = departure.runs[0]
        row = self._source.row(first.key, first)
        return None if row is None else self._member(row, leaving)

    def _member(self, row: RunRow, leaving: dict[int, Leaving]) -> Member:
        parent = None if row.parent_key is None else self._source.reader.by_key(row.parent_key)
        member = Member(row, None if parent is None else parent.id)
        machine: WorkflowMachine | None = None
        try:
            before = leaving[row.key].position if row.key in leaving else None
            history = self._source.history(row, before)
            member.events = [event for _, event in effective(history)]
            member.end = history[-1][0] + 1
            member.place = leaving[row.key].place if row.key in leaving else self._source.place(row.key)
            definition = self._registry.find(row.workflow, row.version)
            machine = replay(definition, row.own_id, member.parent_id, history)
            _look(machine, member)
        except WorkflowError as error:
            member.reasons.append(str(error))
        except Exception as error:  # noqa: BLE001  the code of one workflow is at fault, and the others move
            member.reasons.append(f"its code cannot be taken through its history: {type(error).__name__}: {error}")
        self._add_children(member, machine, leaving)
        if machine is not None:
            machine.drop()
        return member

    def _add_children(self, member: Member, machine: WorkflowMachine | None, leaving: dict[int, Leaving]) -> None:
        for child in self._source.reader.children(member.row.key):
            seq = child.parent_seq or 0
            if machine is not None and machine.child_command(seq) is None:
                continue  # nobody will hear of it: it moves by itself
            marked = leaving.get(child.key)
            now = child if marked is None else self._source.row(child.key, marked)
            if now is not None and is_open(now):
                member.children[seq] = self._member(now, leaving)
            elif machine is not None and (news := self._source.news(child, seq)) is not None:
                member.events.append(news)  # it ended when its parent could not be told
                member.news.append(news)


def _look(machine: WorkflowMachine, member: Member) -> None:
    """Note what a run is about to ask for."""
    for command in machine.outstanding():
        match command:
            case cmd.RunStep():
                member.unfinished.append(command.step.name)
                _note_size(member, f"input of its step {command.step.name!r}", command.input)
            case cmd.StartChild():
                _note_size(member, f"input of its child {command.workflow!r}", command.input)
            case cmd.SendSignal() | cmd.SendCancel() | cmd.CancelChild():
                member.reasons.append(
                    f"it is about to signal or cancel run {command.run_id!r}: resume it if it is paused, open the journal with its"
                    " engine so that this is done, and close it again"
                )
            case _:
                pass


def _note_size(member: Member, what: str, value: msgspec.Raw) -> None:
    member.inputs[what] = max(member.inputs.get(what, 0), len(bytes(value)))
