"""Lifecycle events: what happens to a run and its tasks, told as CloudEvents (DSL 1.0.3, "Lifecycle Events").

They follow from the run's history alone: a run that is replayed tells the same ones, with the same ids. The optional
`status-changed` events are left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from maestro_workflow_engine.dsl._errors import TaskError
from maestro_workflow_engine.dsl._host import Host
from maestro_workflow_engine.dsl._model import Outcome
from maestro_workflow_engine.dsl._sequence import WorkflowEnded
from maestro_workflow_engine.dsl._time import describe_time

T = TypeVar("T")
PREFIX = "io.serverlessworkflow"


class Lifecycle:
    """Tells about one run.

    Args:
        host: Takes the events.
        definition: The document's values.
        source: What the workflow calls itself as the source of events.
    """

    def __init__(self, host: Host, definition: Mapping[str, Any], source: str) -> None:
        head = definition["document"]
        self._host = host
        self._source = source
        self._definition = {key: head[key] for key in ("name", "namespace", "version")}
        self._name = f"{head['name']}-{host.run_id}.{head['namespace']}"
        self._open: dict[int, str] = {}
        self._entered = 0
        self._told = 0
        host.on_steered(self._steered)

    async def of_workflow(self, work: Coroutine[Any, Any, T]) -> T:
        """Await the whole workflow, and tell how it goes."""
        self._tell("workflow.started", {"name": self._name, "definition": self._definition}, "startedAt")
        try:
            output = await work
        except TaskError as error:
            self._tell("workflow.faulted", {"name": self._name, "error": error.error.as_dict()}, "faultedAt")
            raise
        except asyncio.CancelledError:
            self._tell("workflow.cancelled", {"name": self._name}, "cancelledAt")
            raise
        self._tell("workflow.completed", {"name": self._name, "output": output}, "completedAt")
        return output

    async def of_task(self, reference: str, work: Coroutine[Any, Any, Outcome]) -> Outcome:
        """Await a task, and tell how it goes."""
        self._entered += 1
        number = self._entered
        self._open[number] = reference
        self._task("created", reference, "createdAt")
        self._task("started", reference, "startedAt")
        try:
            outcome = await work
        except TaskError as error:
            self._task("faulted", reference, "faultedAt", error=error.error.as_dict())
            raise
        except asyncio.CancelledError:
            self._task("cancelled", reference, "cancelledAt")
            raise
        except WorkflowEnded as ended:
            self._task("completed", reference, "completedAt", output=ended.output)
            raise
        finally:
            del self._open[number]
        self._task("completed", reference, "completedAt", output=outcome.output)
        return outcome

    def retried(self, reference: str) -> None:
        """Tell that a task is tried again."""
        self._task("retried", reference, "retriedAt")

    def correlation_started(self) -> None:
        """Tell that the run begins to correlate events."""
        self._tell("workflow.correlation-started", {"name": self._name}, "startedAt")

    def correlation_completed(self, keys: Mapping[str, Any]) -> None:
        """Tell that the run has correlated events, by which keys."""
        self._tell("workflow.correlation-completed", {"name": self._name, "correlationKeys": dict(keys)}, "completedAt")

    def _steered(self, what: str) -> None:
        self._tell(f"workflow.{what}", {"name": self._name}, f"{what}At")
        for reference in self._open.values():
            self._task(what, reference, f"{what}At")

    def _task(self, what: str, reference: str, moment: str, **data: Any) -> None:
        self._tell(f"task.{what}", {"workflow": self._name, "task": reference, **data}, moment)

    def _tell(self, what: str, data: dict[str, Any], moment: str) -> None:
        self._told += 1
        now = describe_time(self._host.now())["iso8601"]
        self._host.announce(
            {
                "specversion": "1.0",
                "id": f"{self._host.run_id}.{self._told}.{what}",
                "source": self._source,
                "type": f"{PREFIX}.{what}.v1",
                "time": now,
                "data": {**data, moment: now},
            }
        )
