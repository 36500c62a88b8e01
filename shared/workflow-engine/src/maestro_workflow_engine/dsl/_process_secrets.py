"""Secrets of a process: put in inside the step, and struck out of what the process leaves behind."""

from __future__ import annotations

from dataclasses import replace

from maestro_workflow_engine.dsl._late import ConfidentialError, unseal
from maestro_workflow_engine.dsl._masking import Mask
from maestro_workflow_engine.dsl._process_request import ProcessOutcome, ProcessRequest, as_text, as_texts
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._confidential import read_secrets
from maestro_workflow_engine.dsl.calls._context import CallContext, Shared


async def completed(request: ProcessRequest, shared: Shared | None, mask: Mask) -> ProcessRequest:
    """Complete the environment and the standard input of a process.

    Args:
        request: The process, with something missing.
        shared: Where secrets come from; None where there are none.
        mask: Learns what is secret.

    Returns:
        The whole request, which must not leave the step.

    Raises:
        CallFault: A secret cannot be had, or an expression failed.
    """
    if shared is None:
        raise CallFault("authorization", "processes have no secrets here")
    context = CallContext(shared, mask, frozenset(request.secrets))
    secrets = await read_secrets(request.late, context)
    try:
        found = unseal(request.confidential, request.late, {"secrets": secrets, "authorization": None})
    except ConfidentialError as error:
        raise CallFault("expression", str(error)) from None
    return replace(
        request,
        environment={**request.environment, **as_texts(found.get("environment"))},
        stdin=request.stdin if found.get("stdin") is None else as_text(found["stdin"]),
    )


def masked(outcome: ProcessOutcome, mask: Mask) -> ProcessOutcome:
    """Strike secrets out of what came of a process; of stderr, which errors tell, short ones as well."""
    return replace(
        outcome,
        stdout=mask.output(outcome.stdout),
        stderr=mask.message(outcome.stderr),
        problem=None if outcome.problem is None else mask.message(outcome.problem),
    )
