"""`run: workflow`: a child run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from maestro_workflow_engine._child import run_child, start_child
from maestro_workflow_engine._errors import WorkflowCancelledError, WorkflowContextError, WorkflowFailedError
from maestro_workflow_engine._parent_close import ParentClose
from maestro_workflow_engine.dsl._errors import TaskError
from maestro_workflow_engine.dsl._expressions import IN_TASK
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._template import Template, parse_template

_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_TASK_ERROR = "maestro_workflow_engine.dsl._errors:TaskError"


@dataclass(frozen=True)
class RunWorkflow:
    """Another workflow and its input."""

    name: str
    """"namespace/name" or "namespace/name:version"."""
    input: Template | None
    """None to hand on the task's own input."""
    awaited: bool
    returned: str

    async def run(self, frame: Frame) -> Outcome:
        """Run the workflow as a child, which is cancelled with this task.

        Its output is the task's. An error that it raised and did not catch is raised again here, as coming from this task; one
        that does not exist is the standard error "configuration". Without waiting, the child outlives this run, and the input
        is the output.
        """
        data = frame.input if self.input is None else await frame.filled(self.input, frame.input)
        try:
            if not self.awaited:
                await start_child(self.name, data, on_parent_close=ParentClose.ABANDON)
                return Outcome(frame.input)
            output = await run_child(self.name, data)
        except WorkflowFailedError as error:
            raise _raised(frame, self.name, error) from error
        except WorkflowCancelledError as error:
            raise frame.error("runtime", f"workflow {self.name!r} was cancelled", title="Workflow cancelled") from error
        except WorkflowContextError as error:
            raise frame.error("configuration", f"'run: workflow' needs an engine: {error}") from error
        return Outcome(None if self.returned == "none" else output)


def parse_workflow(node: Node, scope: frozenset[str], *, awaited: bool, returned: str) -> RunWorkflow:
    """Read `run.workflow`.

    Args:
        node: The field.
        scope: The variables that enclosing tasks bind.
        awaited: `run.await`.
        returned: `run.return`.

    Returns:
        The task's body.
    """
    fields = node.fields(("namespace", "name", "version", "input"), ("namespace", "name", "version"), what="'workflow'")
    parts = {name: fields[name].text() if name in fields else "" for name in ("namespace", "name", "version")}
    for part in ("namespace", "name"):
        if parts[part] and not _NAME.fullmatch(parts[part]):
            fields[part].fault(f"{parts[part]!r} is no {part} of a workflow")
    if parts["version"] and not _VERSION.fullmatch(parts["version"]):
        fields["version"].fault(f"{parts['version']!r} is no version; give one such as 1.0.0, or latest")
    if "input" in fields and not isinstance(fields["input"].value, dict):
        fields["input"].fault("must be a mapping")
    name = f"{parts['namespace']}/{parts['name']}"
    return RunWorkflow(
        name=name if parts["version"] in {"", "latest"} else f"{name}:{parts['version']}",
        input=parse_template(fields["input"], IN_TASK | scope) if "input" in fields else None,
        awaited=awaited,
        returned=returned,
    )


def _raised(frame: Frame, name: str, error: WorkflowFailedError) -> TaskError:
    failure = error.failure
    if failure.type == _TASK_ERROR and failure.args:
        members = dict(failure.args[0])
        told = f"workflow {name!r} failed at {members.get('instance', '/')}"
        detail = members.get("detail")
        return TaskError({**members, "instance": frame.reference, "detail": f"{detail} ({told})" if detail else told})
    kind = "configuration" if failure.type.endswith(":WorkflowNotFoundError") else "runtime"
    return frame.error(kind, f"workflow {name!r} failed: {failure.summary}")
