"""What the registry knows of the gateway's routes."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from maestro_cli._errors import InputError
from maestro_cli.local import REGISTRY, Home
from maestro_gateway import EdgeSnapshot

from ._services import open_service

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
    async with open_service(home, REGISTRY, url, token, timeout=_TIMEOUT) as client:
        answer = await client.get("/gateway/snapshot")
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
