"""The step behind every kind of call: it works out what is confidential, performs the call, and masks what comes back."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine.dsl._late import ConfidentialError, Late, unseal
from maestro_workflow_engine.dsl._masking import Mask
from maestro_workflow_engine.dsl._scan import scan
from maestro_workflow_engine.dsl.calls._authorization import credentials
from maestro_workflow_engine.dsl.calls._call import Call, CallFault, CallOutcome
from maestro_workflow_engine.dsl.calls._confidential import read_secrets
from maestro_workflow_engine.dsl.calls._context import CallContext, Perform, Shared

CallStep = StepDefinition[[Call], CallOutcome]


def call_step(kind: str, perform: Perform, shared: Shared) -> CallStep:
    """Make the step that performs one kind of call.

    Args:
        kind: What history calls the step: "http", "openapi" and so on.
        perform: Performs the call.
        shared: What calls share.

    Returns:
        The step. It is never retried by itself: documents say `try` and `retry`.
    """

    async def step(call: Call) -> CallOutcome:
        mask = Mask()
        context = CallContext(shared, mask, frozenset(call.secrets))
        try:
            arguments = await complete(call.arguments, call.late, context)
            return CallOutcome(mask.output(await perform(arguments, context)))
        except CallFault as fault:
            title = None if fault.title is None else mask.message(fault.title)
            return CallOutcome(None, mask.message(str(fault)), fault.kind, title, fault.status)
        except Exception as error:  # noqa: BLE001  a traceback with the arguments in it would be kept in the history
            return CallOutcome(None, mask.message(f"{type(error).__name__}: {error}"), "runtime")

    return StepDefinition(step, name=kind)


async def complete(arguments: dict[str, Any], late: list[Late], context: CallContext) -> dict[str, Any]:
    """Put what is confidential into a call's arguments.

    Args:
        arguments: The arguments.
        late: What is missing in them.
        context: The call.

    Returns:
        The complete arguments.

    Raises:
        CallFault: A secret cannot be had, no credentials could be made, or an expression failed.
    """
    if not late:
        return arguments
    secrets = await read_secrets(late, context)
    first = [each for each in late if "authorization" not in scan(each.expression).variables]
    rest = [each for each in late if "authorization" in scan(each.expression).variables]
    try:
        arguments = unseal(arguments, first, {"secrets": secrets})
        if rest:
            shown = await credentials(policy_of(arguments), context)
            descriptor = None if shown is None else shown.descriptor()
            arguments = unseal(arguments, rest, {"secrets": secrets, "authorization": descriptor})
    except ConfidentialError as error:
        raise CallFault("expression", str(error)) from None
    return arguments


def policy_of(arguments: dict[str, Any]) -> Any:
    """Return the authentication policy of a call; None when it has none."""
    for place in (arguments, *(arguments.get(name) for name in ("endpoint", "service", "agentCard", "server"))):
        if isinstance(place, dict) and place.get("authentication"):
            return place["authentication"]
    http = (arguments.get("transport") or {}).get("http")
    return http["endpoint"].get("authentication") if http else None
