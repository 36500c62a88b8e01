"""`try`: tasks whose errors are caught, and perhaps retried."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from maestro_workflow_engine.dsl._error_filter import EVERY_ERROR, ErrorFilter, parse_error_filter
from maestro_workflow_engine.dsl._errors import TaskError
from maestro_workflow_engine.dsl._expressions import IN_TASK, Expression, parse_expression
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome, Parser, TaskList
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._retry_policy import RetryPolicy, parse_retry
from maestro_workflow_engine.dsl._sequence import within
from maestro_workflow_engine.dsl.tasks.for_ import variable

FIELDS = ("try", "catch")
REQUIRED = ("try", "catch")

_CATCH = ("errors", "as", "when", "exceptWhen", "retry", "do", "then")


@dataclass(frozen=True)
class Catch:
    """Which errors are caught, and what happens then."""

    filter: ErrorFilter = EVERY_ERROR
    name: str = "error"
    """The variable that holds the error."""
    when: Expression | None = None
    except_when: Expression | None = None
    retry: RetryPolicy | None = None
    tasks: TaskList | None = None
    then: str | None = None

    @property
    def handles(self) -> bool:
        """Whether an error that retries did not cure ends here; without a handler they would hide it."""
        return self.retry is None or self.tasks is not None or self.then is not None


@dataclass(frozen=True)
class Try:
    """Tasks and their safety net."""

    tasks: TaskList
    catch: Catch

    async def run(self, frame: Frame) -> Outcome:
        """Run the tasks, again where the retry policy says so.

        A caught error that no retry cured leads to the handler: its tasks see the error as a variable, and their
        output is this task's; without tasks the output is the input. An error that is not caught, and one that
        retries did not cure where there is no handler, goes on.
        """
        started, retries = frame.shared.host.now(), 0
        while True:
            try:
                return Outcome(await self._attempt(frame, retries))
            except TaskError as error:
                bound = {self.catch.name: error.error.as_dict()}
                if not await self._catches(frame, error, bound):
                    raise
                pause = await self._pause(frame, retries, frame.shared.host.now() - started, bound)
                if pause is None:
                    if not self.catch.handles:
                        raise
                    break
            retries += 1
            if frame.shared.lifecycle is not None:
                frame.shared.lifecycle.retried(frame.reference)
            await asyncio.sleep(pause.total_seconds())
            await frame.shared.go_back()
        output = frame.input
        if self.catch.tasks is not None:
            output = await frame.run_list(self.catch.tasks, frame.input, bound)
        return Outcome(output, self.catch.then)

    async def _attempt(self, frame: Frame, retries: int) -> Any:
        policy = self.catch.retry
        if retries == 0 or policy is None or policy.attempt_duration is None:
            return await frame.run_list(self.tasks, frame.input)
        limit = await frame.duration_of(policy.attempt_duration, frame.input)
        return await within(limit, frame.run_list(self.tasks, frame.input), frame)

    async def _catches(self, frame: Frame, error: TaskError, bound: Mapping[str, Any]) -> bool:
        catch = self.catch
        return (
            catch.filter.matches(error.error)
            and (catch.when is None or await frame.is_met(catch.when, frame.input, bound))
            and not (catch.except_when is not None and await frame.is_met(catch.except_when, frame.input, bound))
        )

    async def _pause(
        self, frame: Frame, retries: int, elapsed: timedelta, bound: Mapping[str, Any]
    ) -> timedelta | None:
        """Return how long to wait before the next retry; None when there is to be none."""
        policy = self.catch.retry
        if policy is None or (policy.max_retries is not None and retries >= policy.max_retries):
            return None
        # A policy under `use` knows the error by the default name, whatever this task calls it.
        bound = {"error": bound[self.catch.name], **bound}
        if policy.when is not None and not await frame.is_met(policy.when, frame.input, bound):
            return None
        if policy.except_when is not None and await frame.is_met(policy.except_when, frame.input, bound):
            return None
        jitter = timedelta(0)
        if policy.jitter is not None:
            low, high = [await frame.duration_of(limit, frame.input, bound) for limit in policy.jitter]
            jitter = low + (high - low) * frame.shared.host.random()
        pause = policy.wait(retries + 1, await frame.duration_of(policy.delay, frame.input, bound), jitter)
        if policy.duration is None:
            return pause
        return pause if elapsed + pause <= await frame.duration_of(policy.duration, frame.input, bound) else None


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Try:
    """Read the task."""
    tasks = parser.task_list(fields["try"], scope)
    return Try(tasks, _parse_catch(fields["catch"], parser, scope) if "catch" in fields else Catch())


def _parse_catch(node: Node, parser: Parser, scope: frozenset[str]) -> Catch:
    fields = node.fields(_CATCH, what="'catch'")
    name = variable(fields["as"]) if "as" in fields else "error"
    inner = IN_TASK | scope | {name}
    return Catch(
        filter=parse_error_filter(fields["errors"]) if "errors" in fields else EVERY_ERROR,
        name=name,
        when=parse_expression(fields["when"], inner) if "when" in fields else None,
        except_when=parse_expression(fields["exceptWhen"], inner) if "exceptWhen" in fields else None,
        retry=_parse_retry(fields["retry"], parser, inner) if "retry" in fields else None,
        tasks=parser.task_list(fields["do"], scope | {name}) if "do" in fields else None,
        then=parser.directive(fields["then"]) if "then" in fields else None,
    )


def _parse_retry(node: Node, parser: Parser, scope: frozenset[str]) -> RetryPolicy | None:
    return parser.use.retry(node) if isinstance(node.value, str) else parse_retry(node, scope)
