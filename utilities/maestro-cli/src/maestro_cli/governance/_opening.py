"""How governance-service is found, and opened as somebody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from maestro_cli._errors import MaestroCliError, NotRunningError
from maestro_cli.client import open_service
from maestro_cli.local import GOVERNANCE, Home, load_state, lock_holder, own_environment, read_jwt_secret

from ._client import GovernanceClient
from ._credentials import CredentialsFile
from ._signing_in import signed_in_token

_TIMEOUT: Final = timedelta(seconds=60)


def governance_url(home: Home, url: str | None) -> str:
    """Find governance-service.

    Args:
        home: The environment's folder.
        url: Where it is; None for the environment's own, or where somebody has signed in.

    Returns:
        Its base URL.

    Raises:
        NotRunningError: None is known.
    """
    if url is not None:
        return url.rstrip("/")
    state = load_state(home) if lock_holder(home) is not None else None
    service = None if state is None else state.service(GOVERNANCE)
    if service is not None:
        return service.url
    known = CredentialsFile(home).read()
    if known is not None:
        return known.url
    raise NotRunningError(home.root, None if state is None else f"what runs there has no {GOVERNANCE}")


@asynccontextmanager
async def open_governance(home: Home, url: str | None, token: str | None, user: str) -> AsyncIterator[GovernanceClient]:
    """Open governance-service.

    Args:
        home: The environment's folder.
        url: Where it is; None finds it.
        token: Bearer token; None takes that of whoever has signed in there, or issues tokens with the environment's key.
        user: For whom they are issued.

    Yields:
        A client of it.

    Raises:
        MaestroCliError: It is not known where it is, or who calls; or a call in the block failed.
    """
    base = governance_url(home, url)
    bearer = token or await signed_in_token(home, base)
    if bearer is None and read_jwt_secret(home, own_environment()) is None:
        raise MaestroCliError(
            f"nobody has signed in at {base}", hint="`maestro login` does, --token takes a token of another origin."
        )
    async with open_service(home, GOVERNANCE, base, bearer, user=user, timeout=_TIMEOUT) as client:
        yield GovernanceClient(client)
