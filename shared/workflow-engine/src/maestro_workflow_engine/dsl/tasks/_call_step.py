"""`call` of a registered step, or of a registered workflow as a child."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine import _payload
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._errors import NonDeterminismError, WorkflowFailedError
from maestro_workflow_engine.dsl._errors import ProblemDetails, TaskError
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._resolver import find_function
from maestro_workflow_engine.dsl._template import Template, parse_template

_AS_THEY_ARE = frozenset({type(None), bool, str})
"""Results that are JSON values already; numbers are not, because some have no JSON form."""


@dataclass(frozen=True)
class CallStep:
    """The step or workflow, and its arguments."""

    name: str
    path: str
    """JSON Pointer of `call` in the document."""
    arguments: Template | None
    """What is under `with`; None when there is none."""

    async def run(self, frame: Frame) -> Outcome:
        """Run the step or workflow with the arguments by name; its result, as JSON, is the output.

        A workflow of one parameter that no argument is named for, such as a document, gets the whole mapping; without
        `with`, the task's input.

        What the step raises becomes the standard error "timeout" where it is a TimeoutError, "runtime" otherwise; a
        `TaskError` stays the error it carries.
        """
        function = find_function(frame.shared.resolver, self.name)
        if function is None:
            raise frame.error("configuration", f"there is no step named {self.name!r}")
        arguments: dict[str, Any] = {} if self.arguments is None else await frame.filled(self.arguments, frame.input)
        try:
            if isinstance(function, WorkflowDefinition) and _takes_whole(function, arguments):
                result = await function(frame.input if self.arguments is None else arguments)
            else:
                result = await function(**arguments)
            return Outcome(result if type(result) in _AS_THEY_ARE else _payload.decode(_payload.encode(result)))
        except NonDeterminismError:
            raise
        except TaskError as error:
            members = {"instance": frame.reference, **error.error.as_dict()}
            raise TaskError(ProblemDetails(**members)) from error
        except WorkflowFailedError as error:
            raise _failed(frame, self.name, error) from error
        except Exception as error:  # whatever a step raises is an error of the task
            kind = "timeout" if isinstance(error, TimeoutError) else "runtime"
            raise frame.error(kind, f"step {self.name!r}: {error}", title=type(error).__name__) from error


def _takes_whole(workflow: WorkflowDefinition[..., Any], arguments: Mapping[str, Any]) -> bool:
    parameters = list(inspect.signature(workflow.func).parameters)
    return len(parameters) == 1 and parameters[0] not in arguments


def _failed(frame: Frame, name: str, error: WorkflowFailedError) -> TaskError:
    """Return the error of a child that failed: a document's own, or else the standard error "runtime"."""
    failure = error.failure
    if failure.type.endswith(":TaskError") and failure.args and isinstance(failure.args[0], dict):
        return TaskError({**failure.args[0], "instance": frame.reference})
    return frame.error("runtime", f"workflow {name!r}: {failure.message}", title=failure.type.rpartition(":")[2])


def parse_arguments(node: Node, scope: frozenset[str]) -> Template:
    """Read `with`.

    Args:
        node: The field.
        scope: The variables its expressions may use.

    Returns:
        The arguments; none after a fault.
    """
    if not isinstance(node.value, dict):
        node.fault("must be a mapping of the step's arguments")
        return Template({})
    return parse_template(node, scope)
