"""Histories at random: whatever a run may see, in any order, with what the machine said to each event and how it then stood."""

from __future__ import annotations

from typing import Any

import msgspec
from engine_driving import SEED, Drive
from engine_random_programs import Program, workflow_of
from hypothesis import strategies as st

from maestro_workflow_engine import WorkflowDefinition, _payload
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine.machine import WorkflowMachine
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev

_LONGEST = 120

choices = st.lists(st.integers(0, 999), min_size=10, max_size=40)


def standing(machine: WorkflowMachine) -> dict[str, Any]:
    """Return all that can be seen of a machine from outside."""
    return {
        "published": {key: bytes(value).decode() for key, value in machine.published.items()},
        "waiting_for": msgspec.to_builtins(machine.waiting_for),
        "last_seq": machine.last_seq,
        "outstanding": [plain(command) for command in machine.outstanding()],
        "done": machine.done,
        "now_us": machine.now_us,
    }


def plain(command: cmd.Command) -> list[Any]:
    """Return a command as data that another process can compare; nothing is left out but where in the code an error arose."""
    fields: list[Any] = [type(command).__name__]
    for name in command.__struct_fields__:
        value = getattr(command, name)
        if isinstance(value, msgspec.Raw):
            value = bytes(value).decode()
        elif name == "step":
            value = value.name
        elif name == "failure" and value is not None:
            value = [value.type, value.message, value.args]
        fields.append([name, msgspec.to_builtins(value)])
    return fields


class RandomRun:
    """One run of a program, driven by chance.

    Attributes:
        flow: The workflow.
        history: What happened.
        answers: The commands that followed from each event.
        stood: How the machine stood after each event.
    """

    def __init__(self, program: Program, chances: list[int], seed: int = SEED) -> None:
        self.flow: WorkflowDefinition[..., Any] = workflow_of(program)
        self._drive = Drive(self.flow, seed=seed)
        self.history = self._drive.history
        self.answers: list[list[list[Any]]] = []
        self.stood: list[dict[str, Any]] = []
        self._given_up: dict[int, cmd.RunStep] = {}
        self._steps: dict[int, cmd.RunStep] = {}
        self._requests = 0
        self._keep(self._drive.commands)
        for chance in chances:
            if self._drive.machine.done:
                break
            self._happen(chance)
        while not self._drive.machine.done and len(self.history) < _LONGEST and self._end():
            pass
        self._drive.machine.drop()

    def _happen(self, chance: int) -> None:
        machine, pick = self._drive.machine, chance // 10
        self._drive.now += 1000 * (1 + pick)
        now = self._drive.now
        steps = [command for command in machine.outstanding() if isinstance(command, cmd.RunStep)]
        match chance % 10:
            case 5 if steps:
                failed = steps[pick % len(steps)]
                error = (ValueError, KeyError, TimeoutError)[pick % 3]("random")
                self._feed(ev.StepFailed(now, failed.seq, failed.step.name, failed.input, describe(error), now))
            case 6:
                self._feed(ev.SignalReceived(now, "ab"[pick % 2], _payload.encode(pick)))
            case 7:
                self._requests += 1
                id_ = f"u-{self._requests if pick % 5 else 1}"  # now and then one that was asked before
                self._feed(ev.UpdateRequested(now, id_, "add" if pick % 7 else "other", _payload.encode(pick)))
            case 8 if pick % 4 == 0:
                self._feed(ev.CancelRequested(now))
            case 9 if self._given_up:
                late = self._given_up.pop(sorted(self._given_up)[pick % len(self._given_up)])
                self._feed(ev.StepCompleted(now, late.seq, late.step.name, late.input, _payload.encode(0), now))
            case 9 if steps:
                tried = steps[pick % len(steps)]
                failure = describe(OSError("again"))
                self._feed(ev.StepRetrying(now, tried.seq, tried.step.name, failure, tried.attempt, now + 5))
            case _:
                self._complete(pick)

    def _complete(self, pick: int) -> bool:
        """Complete a step, or fire the timer that is due first."""
        waiting = self._drive.machine.outstanding()
        timers = [(command.fire_at, command.seq) for command in waiting if isinstance(command, cmd.StartTimer)]
        steps = [command for command in waiting if isinstance(command, cmd.RunStep)]
        ready: list[cmd.RunStep | tuple[int, int]] = [*steps, *([min(timers)] if timers else [])]
        if not ready:
            return False
        chosen = ready[pick % len(ready)]
        if isinstance(chosen, tuple):
            self._drive.now = max(self._drive.now, chosen[0])
            self._feed(ev.TimerFired(self._drive.now, chosen[1]))
        else:
            now = self._drive.now
            self._feed(ev.StepCompleted(now, chosen.seq, chosen.step.name, chosen.input, _payload.encode(pick), now))
        return True

    def _end(self) -> bool:
        """Let something happen that takes the run nearer to its end."""
        awaited = [wait.name for wait in self._drive.machine.waiting_for if wait.kind == "signal"]
        if self._complete(0):
            return True
        for name in awaited:
            self._feed(ev.SignalReceived(self._drive.now, str(name), _payload.encode(1)))
        return bool(awaited)

    def _feed(self, event: ev.Event) -> None:
        self._keep(self._drive.feed(event))

    def _keep(self, commands: list[cmd.Command]) -> None:
        self.answers.append([plain(command) for command in commands])
        self.stood.append(standing(self._drive.machine))
        for command in commands:
            if isinstance(command, cmd.RunStep):
                self._steps[command.seq] = command
            elif isinstance(command, cmd.CancelStep):
                self._given_up[command.seq] = self._steps[command.seq]
        for command in commands:
            if isinstance(command, cmd.AnswerUpdate):  # a runner journals the answer at once
                output = msgspec.UNSET if command.output is None else command.output
                self._feed(ev.UpdateAnswered(self._drive.now, command.update_id, output, command.failure))


def differences(
    flow: WorkflowDefinition[..., Any], history: list[ev.Event], answers: list[Any], stood: list[Any]
) -> list[str]:
    """Replay a history with a fresh machine, and tell where it says or stands otherwise."""
    machine = WorkflowMachine(flow, "run-1")
    machine.replaying = True
    found = []
    try:
        for position, event in enumerate(history):
            commands = [plain(command) for command in machine.apply(event, position)]
            if commands != answers[position]:
                found.append(f"at {position} {event}: {commands} instead of {answers[position]}")
        if standing(machine) != stood[-1]:
            found.append(f"after {len(history)}: {standing(machine)} instead of {stood[-1]}")
    finally:
        machine.drop()
    return found
