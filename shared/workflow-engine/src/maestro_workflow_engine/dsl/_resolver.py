"""Where a document's calls lead: the steps and workflows it may call by name, and the steps that perform calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from maestro_workflow_engine._definitions import StepDefinition, WorkflowDefinition
from maestro_workflow_engine.dsl._expression_pool import ExpressionLimits, ExpressionPool, ExpressionStep
from maestro_workflow_engine.dsl._http import HttpCaller
from maestro_workflow_engine.dsl._http_client import HttpxCaller
from maestro_workflow_engine.dsl._process_host import ProcessHost
from maestro_workflow_engine.dsl._process_options import ProcessOptions
from maestro_workflow_engine.dsl._secrets import EnvironmentSecrets, SecretProvider
from maestro_workflow_engine.dsl.calls._context import Shared
from maestro_workflow_engine.dsl.calls._kinds import KINDS
from maestro_workflow_engine.dsl.calls._step import CallStep, call_step

PROTOCOLS = ("a2a", "asyncapi", "grpc", "http", "mcp", "openapi")
"""The calls that the specification defines."""


class StepResolver(Protocol):
    """Finds steps for a document."""

    @property
    def processes(self) -> ProcessHost:
        """What runs the processes of `run`."""

    @property
    def expression(self) -> ExpressionStep:
        """The step that evaluates expressions which may take long."""

    @property
    def catalog(self) -> str | None:
        """The root of the default catalog, an address or a folder; None when there is none."""

    def call(self, kind: str) -> CallStep:
        """Return the step that performs a kind of call: one of the specification's, or "resource", which fetches text."""

    def step(self, name: str) -> StepDefinition[..., Any] | None:
        """Return the step of that name; None when there is none."""

    def workflow(self, name: str) -> WorkflowDefinition[..., Any] | None:
        """Return the workflow of that name; None when there is none."""

    def names(self) -> Sequence[str]:
        """Return the names of all steps and workflows, for hints."""


class Steps:
    """A resolver over a fixed set of steps and workflows."""

    def __init__(
        self,
        steps: Iterable[StepDefinition[..., Any]] = (),
        http: HttpCaller | None = None,
        *,
        processes: ProcessOptions | None = None,
        expressions: ExpressionLimits | None = None,
        workflows: Iterable[WorkflowDefinition[..., Any]] = (),
        secrets: SecretProvider | None = None,
        catalog: str | Path | None = None,
    ) -> None:
        """Gather what documents may call.

        Args:
            steps: What documents may call, by each step's own name.
            http: What performs HTTP calls. Default: an `HttpxCaller`.
            processes: What `run` may start on this host. Default: nothing.
            expressions: What one expression may use. Default: those of `ExpressionLimits`.
            workflows: What documents may call as child workflows, by each workflow's own name.
            secrets: What gives secrets. Default: environment and files, `EnvironmentSecrets`.
            catalog: The root of the default catalog, an address or a folder. Default: there is none.
        """
        self._steps = {step.name: step for step in steps}
        self._workflows = {workflow.name: workflow for workflow in workflows}
        shared = Shared(http or HttpxCaller(), secrets or EnvironmentSecrets())
        self._calls = {kind: call_step(kind, perform, shared) for kind, perform in KINDS.items()}
        self.processes = ProcessHost(processes, shared)
        self.expression = ExpressionPool(expressions).step
        self.catalog = None if catalog is None else str(catalog)

    def call(self, kind: str) -> CallStep:
        """Return the step that performs a kind of call."""
        return self._calls[kind]

    def step(self, name: str) -> StepDefinition[..., Any] | None:
        """Return the step of that name; None when there is none."""
        return self._steps.get(name)

    def workflow(self, name: str) -> WorkflowDefinition[..., Any] | None:
        """Return the workflow of that name; None when there is none."""
        return self._workflows.get(name)

    def names(self) -> Sequence[str]:
        """Return the names of all steps and workflows."""
        return (*self._steps, *self._workflows)


def find_function(resolver: StepResolver, name: str) -> StepDefinition[..., Any] | WorkflowDefinition[..., Any] | None:
    """Return the step of that name, or else the workflow; None when there is neither."""
    return resolver.step(name) or resolver.workflow(name)
