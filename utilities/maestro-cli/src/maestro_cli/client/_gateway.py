"""What the registry knows of the gateway's routes."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from maestro_cli._errors import InputError, NotRunningError
from maestro_cli.local import REGISTRY, Home, load_state, lock_holder
from maestro_core_api import APIClient, APIException, ClientConfig
from maestro_gateway import EdgeSnapshot

from ._opening import answer_error, token_issuer

_TIMEOUT: Final = timedelta(seconds=10)


async def fetch_snapshot(home: Home, url: str | None, token: str | None) -> EdgeSnapshot:
    """Ask the registry of an environment what services declare and where they run.

    Args:
        home: The environment's folder.
        url: Another registry's base URL; None for the environment's own.
        token: Bearer token; None issues one with the environment's key.

    Returns:
        Everything that routes are made from.

    Raises:
        NotRunningError: The environment does not run, or has no registry.
        ServiceAnswerError: The registry refused, or is away.
    """
    base_url = url or _registry_url(home)
    config = ClientConfig(circuit=None)
    async with APIClient(base_url, token=token or token_issuer(home), timeout=_TIMEOUT, config=config) as client:
        try:
            answer = await client.get("/gateway/snapshot")
        except APIException as error:
            raise answer_error(error) from error
    return EdgeSnapshot.model_validate(answer.json())


def read_snapshot(path: Path) -> EdgeSnapshot:
    """Read what `maestro gateway routes --json` has printed.

    Args:
        path: The file.

    Returns:
        Everything that routes are made from.

    Raises:
        InputError: It is none.
    """
    try:
        return EdgeSnapshot.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(
            f"{path} holds no snapshot: {error.errors()[0]['msg']}", hint="`maestro gateway routes --json` prints one."
        ) from error


def _registry_url(home: Home) -> str:
    state = load_state(home) if lock_holder(home) is not None else None
    if state is None:
        raise NotRunningError(home.root)
    registry = state.service(REGISTRY)
    if registry is None:
        raise NotRunningError(home.root, f"what runs there has no {REGISTRY}")
    return registry.url
