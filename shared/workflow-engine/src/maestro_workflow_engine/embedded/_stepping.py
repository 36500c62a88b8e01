"""Running steps: slots, attempts, retries. What comes of each is reported as an event to be journalled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from maestro_core_logging import get_logger
from maestro_workflow_engine._errors import PayloadError, StepTotalTimeoutError, WorkflowDefinitionError
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine._step_info import RunningAttempt
from maestro_workflow_engine.embedded import _crash_points as crash_points
from maestro_workflow_engine.embedded._alarms import Alarms
from maestro_workflow_engine.embedded._attempt import StepExitError, is_running, out_of_time, run_attempt
from maestro_workflow_engine.embedded._clock import Clock
from maestro_workflow_engine.embedded._heart import Heart
from maestro_workflow_engine.embedded._journal import Statement
from maestro_workflow_engine.embedded._live import LiveRun
from maestro_workflow_engine.embedded._slots import Slots
from maestro_workflow_engine.embedded._surroundings import Surroundings
from maestro_workflow_engine.embedded._threads import StepThreads
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.machine._commands import RunStep

_logger = get_logger(__name__)
_FINAL = (PayloadError, WorkflowDefinitionError, StepTotalTimeoutError)


class Report(Protocol):
    """Journals an event of a run, and what is to reach the disk with it."""

    def __call__(self, run: LiveRun, event: ev.Event, /, *, also: tuple[Statement, ...] = ()) -> None:
        """Journal it."""


class StepScheduler:
    """Starts the steps that runs ask for, as slots allow.

    Args:
        limit: How many runs may have steps running at once.
        threads: How many plain functions may run at once.
        alarms: Rings when a failed step's next attempt is due.
        find: Returns a live run by key.
        report: Journals an event of a run.
        surroundings: The clock, and what runs in place of which step.
        heart: Takes the signs of life of running steps.
    """

    def __init__(
        self,
        *,
        limit: int,
        threads: int,
        alarms: Alarms,
        find: Callable[[int], LiveRun | None],
        report: Report,
        surroundings: Surroundings,
        heart: Heart,
    ) -> None:
        self._slots = Slots(limit)
        self._threads = StepThreads(threads)
        self._alarms = alarms
        self._find = find
        self._report = report
        self._clock = surroundings.clock
        self._stand_ins = surroundings.stand_ins
        self.heart = heart

    def request(self, run: LiveRun, command: RunStep) -> None:
        """Start a step as soon as it is due and its run holds a slot."""
        if command.not_before > self._clock.now_us():
            run.retries[command.seq] = command
            self._alarms.add(command.not_before, run.key, command.seq)
        elif command.deadline and command.deadline <= self._clock.now_us():
            self._give_up(run, command)
        elif self._slots.enter(run.key):
            self._start(run, command)
        else:
            run.queued[command.seq] = command
            if command.deadline:
                self._alarms.add(command.deadline, run.key, command.seq)

    def expire(self, run: LiveRun, seq: int) -> None:
        """Fail a step whose total timeout is over before it got a slot."""
        command = run.queued.get(seq)
        if command is not None and 0 < command.deadline <= self._clock.now_us():
            del run.queued[seq]
            self._give_up(run, command)
            self._release_if_quiet(run)

    def withdraw(self, run: LiveRun, seq: int) -> None:
        """Stop a step that nobody waits for any more."""
        run.retries.pop(seq, None)
        run.queued.pop(seq, None)
        task = run.steps.pop(seq, None)
        if task is not None:
            task.cancel()
        if not self.heart.is_still:
            self.heart.withdrawn(run, seq)
        self._release_if_quiet(run)

    def hold(self, run: LiveRun) -> None:
        """Start nothing more of a run; attempts that are under way go on."""
        run.queued.clear()
        run.retries.clear()
        run.timers.clear()
        self._release_if_quiet(run)

    def retire(self, run: LiveRun) -> None:
        """Stop everything of a run that ends or leaves memory."""
        run.stop_steps()
        if not self.heart.is_still:
            self.heart.stop(run)
        self._release_if_quiet(run)

    async def room(self) -> None:
        """Return once no run waits for a slot."""
        await self._slots.room()

    def close(self) -> None:
        """Take no more work. A plain function that is still running keeps its thread until it returns; see `StepThreads`."""
        self._threads.close()

    def _start(self, run: LiveRun, command: RunStep) -> None:
        if run.machine is None:
            return
        step, limit = command.step, command.step.heartbeat_timeout
        running = RunningAttempt(run.id, run.key, command.seq, step.name, command.attempt, limit, self.heart)
        _logger.debug("Step started", run_id=run.id, step=step.name, attempt=command.attempt, key=running.key)
        attempt = self._attempt(run, command, running, run.machine.trace)
        run.steps[command.seq] = self._clock.spawn(attempt, name=running.key)

    async def _attempt(self, run: LiveRun, command: RunStep, running: RunningAttempt, traceparent: str | None) -> None:
        """Run a step once and report what comes of it. One that was withdrawn meanwhile has nobody to hear of it."""
        task, started, clock = asyncio.current_task(), self._clock.now_us(), self._clock
        step = self._stand_ins.get(command.step)
        try:
            output = await run_attempt(
                step, command, running, threads=self._threads, clock=clock, traceparent=traceparent
            )
        except BaseException as raised:  # whatever a step raises is how its attempt ended
            if not is_running(task):  # the event loop was stopped amid it, and its coroutine is being freed
                raise
            if run.steps.get(command.seq) is not task:
                return
            outcome: ev.Event = _failed(command, started, raised, clock)
        else:
            if run.steps.get(command.seq) is not task:
                return
            outcome = ev.StepCompleted(
                clock.now_us(), command.seq, command.step.name, command.input, output, started, command.attempt
            )
        if running.is_noticed:
            self.heart.hear(running)
        del run.steps[command.seq]
        crash_points.reach(crash_points.STEP_DONE)
        if self.heart.is_still:
            self._report(run, outcome)
        else:
            self._report(run, outcome, also=self.heart.ended(run, outcome, command.seq))
        self._release_if_quiet(run)

    def _give_up(self, run: LiveRun, command: RunStep) -> None:
        """Fail a step whose total timeout was over before its next attempt could begin."""
        now, step = self._clock.now_us(), command.step
        error = out_of_time(step.name, step.total_timeout, command.attempt - 1, command.last_failure)
        event = ev.StepFailed(now, command.seq, step.name, command.input, describe(error), now, command.attempt)
        self._report(run, event, also=() if self.heart.is_still else self.heart.ended(run, event, command.seq))

    def _release_if_quiet(self, run: LiveRun) -> None:
        if run.steps or run.queued:
            return
        heir = self._slots.leave(run.key)
        while heir is not None:
            next_run = self._find(heir)
            if next_run is not None and next_run.queued:
                queued = list(next_run.queued.values())
                next_run.queued.clear()
                for command in queued:
                    self._start(next_run, command)
                return
            heir = self._slots.leave(heir)


def _failed(command: RunStep, started: int, raised: BaseException, clock: Clock) -> ev.Event:
    now, step = clock.now_us(), command.step
    error = raised.raised if isinstance(raised, StepExitError) else raised
    failure = describe(error)
    # What has no JSON form, or takes other arguments, will be the same the next time.
    if not isinstance(error, _FINAL) and step.retry.allows(command.attempt, error):
        delay = step.retry.delay(command.attempt, clock.random, error)
        next_time = now + int(delay.total_seconds() * 1e6)
        if not command.deadline or next_time < command.deadline:
            return ev.StepRetrying(now, command.seq, step.name, failure, command.attempt, next_time)
        failure = describe(out_of_time(step.name, step.total_timeout, command.attempt, failure))
    return ev.StepFailed(now, command.seq, step.name, command.input, failure, started, command.attempt)
