"""Signing in to governance-service and out again, and the tokens of whoever has."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from maestro_cli.client import answer_error
from maestro_cli.local import Home
from maestro_core_api import APIClient, APIException, ClientConfig

from ._credentials import Credentials, CredentialsFile

_TIMEOUT: Final = timedelta(seconds=60)


async def signed_in(home: Home, base: str, name: str, password: str) -> Credentials:
    """Sign in, and keep the tokens.

    Args:
        home: The environment's folder.
        base: Where.
        name: The user's name.
        password: The password.

    Returns:
        What was kept.

    Raises:
        MaestroCliError: The user is not let in.
    """
    async with _client(base) as client:
        answer = (await client.post("/auth/token", json={"username": name, "password": password})).json()
    found = _credentials(base, name, answer)
    CredentialsFile(home).write(found)
    return found


async def signed_out(home: Home) -> Credentials | None:
    """End the session of whoever has signed in, and forget them.

    Args:
        home: The environment's folder.

    Returns:
        Who it was; None when nobody had.

    Raises:
        MaestroCliError: The service cannot be told; the tokens are forgotten all the same.
    """
    file = CredentialsFile(home)
    known = file.read()
    if known is None:
        return None
    file.remove()
    async with _client(known.url) as client:
        await client.post("/auth/logout", json={"refresh_token": known.refresh_token})
    return known


async def signed_in_token(home: Home, base: str) -> str | None:
    """Return the access token of whoever has signed in, refreshed when it is about to end.

    Args:
        home: The environment's folder.
        base: Where it is to be used; nowhere else.

    Returns:
        The token; None when nobody has signed in there.

    Raises:
        MaestroCliError: The session has ended, or the service cannot be asked.
    """
    known = CredentialsFile(home).read()
    if known is None or known.url != base.rstrip("/"):
        return None
    return (await _fresh(home, known)).access_token


async def _fresh(home: Home, known: Credentials) -> Credentials:
    if not known.is_over:
        return known
    file = CredentialsFile(home)
    with file.locked():
        # Another command may have been quicker.
        known = file.read() or known
        if not known.is_over:
            return known
        async with _client(known.url) as client:
            answer = (await client.post("/auth/refresh", json={"refresh_token": known.refresh_token})).json()
        found = _credentials(known.url, known.name, answer)
        file.write(found)
    return found


def _credentials(url: str, name: str, answer: Mapping[str, Any]) -> Credentials:
    return Credentials(
        url=url,
        name=name,
        access_token=answer["access_token"],
        access_expires_at=datetime.now(UTC) + timedelta(seconds=answer["expires_in"]),
        refresh_token=answer["refresh_token"],
    )


@asynccontextmanager
async def _client(base: str) -> AsyncIterator[APIClient]:
    # Whoever waits at a terminal wants to know at once what is wrong.
    async with APIClient(base, timeout=_TIMEOUT, config=ClientConfig(circuit=None)) as client:
        try:
            yield client
        except APIException as error:
            raise answer_error(error) from error
