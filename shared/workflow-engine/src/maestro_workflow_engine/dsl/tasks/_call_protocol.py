"""`call` of a protocol: what all kinds share, from the document's arguments to the task's output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine._errors import NonDeterminismError
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._masking import MASK
from maestro_workflow_engine.dsl._model import Outcome
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._template import Template
from maestro_workflow_engine.dsl.calls._authorization import plain_credentials
from maestro_workflow_engine.dsl.calls._call import Call
from maestro_workflow_engine.dsl.calls._step import policy_of

_SCHEMES = {"basic": "Basic", "bearer": "Bearer", "digest": "Digest", "oauth2": "Bearer", "oidc": "Bearer"}


@dataclass(frozen=True)
class CallProtocol:
    """The call to perform."""

    kind: str
    """Which step performs it."""
    arguments: Template
    """The fields of `with`, endpoints and policies in one shape."""

    async def run(self, frame: Frame) -> Outcome:
        """Perform the call in a step; its output is this task's."""
        return Outcome(await perform(frame, self.kind, self.arguments))


async def perform(frame: Frame, kind: str, arguments: Template, **extra: Any) -> Any:
    """Perform a call in a step.

    Args:
        frame: The task.
        kind: Which step performs it.
        arguments: What the step takes.
        extra: More arguments, complete already.

    Returns:
        The step's output.

    Raises:
        TaskError: The call failed.
    """
    sealed = await frame.sealed(arguments, frame.input)
    is_waiting = any("authentication" in each.at for each in sealed.late)
    frame.arguments["authorization"] = _descriptor(policy_of(sealed.value), is_waiting=is_waiting)
    call = Call({**sealed.value, **extra}, sealed.late, list(frame.shared.use.secrets))
    try:
        outcome = await frame.shared.resolver.call(kind)(call)
    except NonDeterminismError:
        raise
    except Exception as error:  # such as an answer that is too large to be kept
        raise frame.error("runtime", f"call {kind!r}: {error}", title=type(error).__name__) from error
    if outcome.problem is not None:
        title = outcome.title or f"{outcome.kind.capitalize()} error"
        raise frame.error(outcome.kind, outcome.problem, title=title, status=outcome.status)
    return outcome.output


def _descriptor(policy: Any, *, is_waiting: bool) -> dict[str, str] | None:
    """Return `$authorization` for what comes after the call: a parameter that is secret, or a token, is masked."""
    if not policy:
        return None
    scheme, fields = next(iter(policy.items()))
    if scheme in {"basic", "bearer"} and "use" not in fields and not is_waiting:
        return plain_credentials(scheme, fields)
    return {"scheme": _SCHEMES[scheme], "parameter": MASK}


def arguments_of(node: Node, arguments: Node | None, stand_in: dict[str, Any]) -> Node:
    """Return the `with` field of a call that needs one; something that has no further fault where it is missing."""
    if arguments is not None:
        return arguments
    node.fault(f"'call: {node.value}' needs 'with'")
    return Node(stand_in, node.path, node.log)
