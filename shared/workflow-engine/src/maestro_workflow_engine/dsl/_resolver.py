"""Where a document's calls lead: the steps it may call by name, and the step that performs HTTP calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine.dsl._expression_pool import ExpressionLimits, ExpressionPool, ExpressionStep
from maestro_workflow_engine.dsl._http import HttpCaller
from maestro_workflow_engine.dsl._http_client import HttpxCaller
from maestro_workflow_engine.dsl._http_step import HttpStep, http_step
from maestro_workflow_engine.dsl._process_host import ProcessHost
from maestro_workflow_engine.dsl._process_options import ProcessOptions


class StepResolver(Protocol):
    """Finds steps for a document."""

    @property
    def processes(self) -> ProcessHost:
        """What runs the processes of `run`."""

    @property
    def expression(self) -> ExpressionStep:
        """The step that evaluates expressions which may take long."""

    @property
    def http(self) -> HttpStep:
        """The step behind `call: http`."""

    def step(self, name: str) -> StepDefinition[..., Any] | None:
        """Return the step of that name; None when there is none."""

    def names(self) -> Sequence[str]:
        """Return the names of all steps, for hints."""


class Steps:
    """A resolver over a fixed set of steps."""

    def __init__(
        self,
        steps: Iterable[StepDefinition[..., Any]] = (),
        http: HttpCaller | None = None,
        *,
        processes: ProcessOptions | None = None,
        expressions: ExpressionLimits | None = None,
    ) -> None:
        """Gather the steps.

        Args:
            steps: What documents may call, by each step's own name.
            http: What performs HTTP calls. Default: an `HttpxCaller`.
            processes: What `run` may start on this host. Default: nothing.
            expressions: What one expression may use. Default: those of `ExpressionLimits`.
        """
        self._steps = {step.name: step for step in steps}
        self.processes = ProcessHost(processes)
        self.expression = ExpressionPool(expressions).step
        self.http = http_step(http or HttpxCaller())

    def step(self, name: str) -> StepDefinition[..., Any] | None:
        """Return the step of that name; None when there is none."""
        return self._steps.get(name)

    def names(self) -> Sequence[str]:
        """Return the names of all steps."""
        return tuple(self._steps)
