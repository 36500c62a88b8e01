"""`call` of a registered step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine import _payload
from maestro_workflow_engine._errors import NonDeterminismError
from maestro_workflow_engine.dsl._errors import ProblemDetails, TaskError
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._template import Template, parse_template


@dataclass(frozen=True)
class CallStep:
    """The step and its arguments."""

    name: str
    path: str
    """JSON Pointer of `call` in the document."""
    arguments: Template

    async def run(self, frame: Frame) -> Outcome:
        """Run the step with the arguments by name; its result, as JSON, is the output.

        What the step raises becomes the standard error "timeout" where it is a TimeoutError, "runtime" otherwise; a
        `TaskError` stays the error it carries.
        """
        step = frame.shared.resolver.step(self.name)
        if step is None:
            raise frame.error("configuration", f"there is no step named {self.name!r}")
        arguments: dict[str, Any] = await frame.filled(self.arguments, frame.input)
        try:
            result = await step(**arguments)
            return Outcome(_payload.decode(_payload.encode(result)))
        except NonDeterminismError:
            raise
        except TaskError as error:
            members = {"instance": frame.reference, **error.error.as_dict()}
            raise TaskError(ProblemDetails(**members)) from error
        except Exception as error:  # whatever a step raises is an error of the task
            kind = "timeout" if isinstance(error, TimeoutError) else "runtime"
            raise frame.error(kind, f"step {self.name!r}: {error}", title=type(error).__name__) from error


def parse_arguments(node: Node | None, scope: frozenset[str]) -> Template:
    """Read `with`.

    Args:
        node: The field; None when it is absent.
        scope: The variables its expressions may use.

    Returns:
        The arguments; none when the field is absent.
    """
    if node is None:
        return Template({})
    if not isinstance(node.value, dict):
        node.fault("must be a mapping of the step's arguments")
        return Template({})
    return parse_template(node, scope)
