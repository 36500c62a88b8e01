"""Notes that an API key was used."""

from fastapi import Request

from maestro_core_api import UnauthorizedException, current_principal

from .opening import Identity


async def note_key_use(request: Request) -> None:
    """Note the use when the caller was recognised by an API key; a dependency of every endpoint.

    Args:
        request: Filled in by FastAPI.
    """
    identity: Identity | None = getattr(request.state, "identity", None)
    try:
        caller = await current_principal(request)
    except UnauthorizedException:
        return
    if caller.key_id is not None and identity is not None:
        identity.key_store.note_use(caller.key_id)
