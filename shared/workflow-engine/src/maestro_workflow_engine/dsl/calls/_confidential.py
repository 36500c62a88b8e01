"""Reading secrets inside a step."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from maestro_workflow_engine.dsl._late import Late, confidential_names
from maestro_workflow_engine.dsl._secrets import secrets_of
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext


async def read_secret(name: str, context: CallContext, public: Collection[str] = ()) -> Any:
    """Read a secret that the document declares; from now on it is masked.

    Args:
        name: The secret.
        context: The call.
        public: Members of the secret that are none, such as the address of an authority: masked, they would make messages
            and answers unreadable.

    Returns:
        Text or a mapping.

    Raises:
        CallFault: It is not declared, not there, or may not be read: the standard error "authorization" (DSL 1.0.3, "Secret").
    """
    if name in context.read:
        return context.read[name]
    if name not in context.allowed:
        raise CallFault("authorization", f"the document does not declare the secret {name!r} under use.secrets")
    try:
        value = await context.shared.secrets.secret(name)
    except PermissionError as error:
        raise CallFault("authorization", f"the secret {name!r} may not be read: {error}") from None
    if value is None:
        raise CallFault("authorization", f"there is no secret named {name!r}")
    context.mask.learn(_without(value, public))
    context.read[name] = value
    return value


async def read_secrets(late: Sequence[Late], context: CallContext) -> dict[str, Any]:
    """Read the secrets that expressions name: the `$secrets` argument.

    Raises:
        CallFault: One of them cannot be had.
    """
    named = {name for text in confidential_names(late) for name in secrets_of(text)}
    wanted = sorted(context.allowed) if None in named else sorted(name for name in named if name)
    return {name: await read_secret(name, context) for name in wanted}


def _without(value: Any, public: Collection[str]) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: _without(item, public) for name, item in value.items() if name not in public}
