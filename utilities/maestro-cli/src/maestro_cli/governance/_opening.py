"""Governance-service's HTTP interface, and how it is found and opened."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from maestro_cli._errors import MaestroCliError, NotRunningError
from maestro_cli.client import answer_error
from maestro_cli.local import GOVERNANCE, Home, load_state, lock_holder, own_environment, read_jwt_secret
from maestro_core_api import APIClient, APIException, ClientConfig, issue_token

from ._credentials import Credentials, CredentialsFile

_TIMEOUT: Final = timedelta(seconds=60)
_SUBJECT: Final = "maestro-cli"


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
async def open_governance(home: Home, url: str | None, token: str | None) -> AsyncIterator[APIClient]:
    """Open governance-service.

    Args:
        home: The environment's folder.
        url: Where it is; None finds it.
        token: Bearer token; None takes that of whoever has signed in there, or issues one with the environment's key.

    Yields:
        A client of it.

    Raises:
        MaestroCliError: It is not known where it is, or who calls; or a call in the block failed.
    """
    base = governance_url(home, url)
    bearer = token or await _own_token(home, base)
    async with _client(base, bearer) as client:
        yield client


async def signed_in(home: Home, url: str | None, name: str, password: str) -> Credentials:
    """Sign in, and keep the tokens.

    Args:
        home: The environment's folder.
        url: Where; None finds it.
        name: The user's name.
        password: The password.

    Returns:
        What was kept.

    Raises:
        MaestroCliError: It is not known where, or the user is not let in.
    """
    base = governance_url(home, url)
    async with _client(base, None) as client:
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
    async with _client(known.url, None) as client:
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


async def _own_token(home: Home, base: str) -> str:
    token = await signed_in_token(home, base)
    if token is not None:
        return token
    secret = read_jwt_secret(home, own_environment())
    if secret is None:
        raise MaestroCliError(
            f"nobody has signed in at {base}", hint="`maestro login` does, --token takes a token of another origin."
        )
    return issue_token(secret, subject=_SUBJECT, roles=("admin",))


async def _fresh(home: Home, known: Credentials) -> Credentials:
    if not known.is_over:
        return known
    file = CredentialsFile(home)
    with file.locked():
        # Another command may have been quicker.
        known = file.read() or known
        if not known.is_over:
            return known
        async with _client(known.url, None) as client:
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
async def _client(base: str, token: str | None) -> AsyncIterator[APIClient]:
    # Whoever waits at a terminal wants to know at once what is wrong.
    async with APIClient(base, token=token, timeout=_TIMEOUT, config=ClientConfig(circuit=None)) as client:
        try:
            yield client
        except APIException as error:
            raise answer_error(error) from error
