"""Driving a machine by hand: no runner, no disk, no clock."""

from __future__ import annotations

from typing import Any

import msgspec

from maestro_workflow_engine import _payload
from maestro_workflow_engine.machine import WorkflowMachine
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev

SEED = 42
MACHINES: list[WorkflowMachine] = []  # every machine a test made; a fixture drops them, as a runner would


class Drive:
    """Feeds a machine one event after another and keeps the history, so that it can be replayed."""

    def __init__(self, definition: Any, input_: Any = None, *, seed: int = SEED) -> None:
        self.definition = definition
        self.history: list[ev.Event] = []
        self.now = 1_000_000_000_000_000
        self.machine = WorkflowMachine(definition, "run-1")
        MACHINES.append(self.machine)
        self.commands: list[cmd.Command] = []
        self.feed(ev.RunStarted(self.now, _payload.encode(input_), seed))

    def feed(self, event: ev.Event) -> list[cmd.Command]:
        self.history.append(event)
        new = self.machine.apply(event, len(self.history) - 1)
        self.commands.extend(new)
        return new

    def complete(self, seq: int, output: Any = "ok") -> list[cmd.Command]:
        command = next(c for c in self.commands if isinstance(c, cmd.RunStep) and c.seq == seq)
        self.now += 1000
        return self.complete_at(self.now, command, output)

    def complete_at(self, time: int, command: cmd.RunStep, output: Any) -> list[cmd.Command]:
        return self.feed(
            ev.StepCompleted(time, command.seq, command.step.name, command.input, _payload.encode(output), time)
        )

    def fire(self, seq: int) -> list[cmd.Command]:
        timer = next(c for c in self.commands if isinstance(c, cmd.StartTimer) and c.seq == seq)
        self.now = max(self.now, timer.fire_at)
        return self.feed(ev.TimerFired(self.now, seq))

    def signal(self, name: str, payload: Any) -> list[cmd.Command]:
        return self.feed(ev.SignalReceived(self.now, name, _payload.encode(payload)))

    def cancel(self) -> list[cmd.Command]:
        return self.feed(ev.CancelRequested(self.now))

    @property
    def closing(self) -> cmd.Command:
        return self.commands[-1]

    @property
    def output(self) -> Any:
        assert isinstance(self.closing, cmd.CompleteRun), self.closing
        return msgspec.json.decode(self.closing.output)


def replayed(definition: Any, history: list[ev.Event]) -> tuple[WorkflowMachine, list[cmd.Command]]:
    """Take fresh code through a history; returns the machine and every command it gave."""
    patches = [event.change for event in history if isinstance(event, ev.PatchRecorded)]
    machine = WorkflowMachine(definition, "run-1", patches=patches)
    MACHINES.append(machine)
    machine.replaying = True
    commands: list[cmd.Command] = []
    for position, event in enumerate(history):
        commands.extend(machine.apply(event, position))
    return machine, commands
