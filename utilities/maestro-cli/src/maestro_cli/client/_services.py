"""How a service of an environment is found and opened."""

import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from maestro_cli._errors import MaestroCliError, NotRunningError, ServiceAnswerError
from maestro_cli.local import Home, load_state, lock_holder, own_environment, read_jwt_secret
from maestro_core_api import APIClient, APIException, ClientConfig, ServiceUnavailableException, issue_token

TIMEOUT: Final = timedelta(seconds=30)
_SUBJECT: Final = "maestro-cli"


@asynccontextmanager
async def open_service(
    home: Home,
    service: str,
    url: str | None = None,
    token: str | None = None,
    *,
    user: str = _SUBJECT,
    timeout: timedelta = TIMEOUT,
) -> AsyncIterator[APIClient]:
    """Open a service of an environment.

    Args:
        home: The environment's folder.
        service: Its name.
        url: Base URL of one elsewhere; None for the environment's own.
        token: Bearer token; None issues tokens with the environment's key.
        user: For whom they are issued.
        timeout: How long to wait for an answer.

    Yields:
        A client whose base URL is the service's.

    Raises:
        NotRunningError: The environment does not run, or has no such service.
        MaestroCliError: There is no key to issue tokens with.
        ServiceAnswerError: A call in the block failed.
    """
    # Whoever waits at a terminal wants to know at once that the service is back.
    patient = ClientConfig(circuit=None)
    base_url, issuer = url or service_url(home, service), token or _issuer(home, user)
    async with APIClient(base_url, token=issuer, timeout=timeout, config=patient) as client:
        try:
            yield client
        except APIException as error:
            raise answer_error(error) from error


def service_url(home: Home, service: str) -> str:
    """Find a service of an environment.

    Args:
        home: The environment's folder.
        service: Its name.

    Returns:
        Its base URL.

    Raises:
        NotRunningError: The environment does not run, or has no such service.
    """
    state = load_state(home) if lock_holder(home) is not None else None
    if state is None:
        raise NotRunningError(home.root)
    found = state.service(service)
    if found is None:
        raise NotRunningError(home.root, f"what runs there has no {service}")
    return found.url


def _issuer(home: Home, user: str) -> Callable[[], str]:
    secret = read_jwt_secret(home, own_environment())
    if secret is None:
        raise MaestroCliError(f"{home.root} has no signing key", hint="Pass --token, or start it with `maestro up`.")
    return lambda: issue_token(secret, subject=user, roles=("admin",))


def answer_error(error: APIException) -> ServiceAnswerError:
    """Put the answer of a service into the command line's terms.

    Args:
        error: The answer.

    Returns:
        What is shown.
    """
    trace_id = (error.problem or {}).get("trace_id")
    broken = error.status_code >= 500 and error.status_code != HTTPStatus.NOT_IMPLEMENTED
    hint = f"`maestro trace {trace_id}` tells more." if broken and trace_id else None
    if isinstance(error, ServiceUnavailableException):
        hint = "`maestro status` tells whether it runs, `maestro logs` what it says."
    elif error.error_code == "APPROVAL_AMBIGUOUS":
        hint = f"Say whose is meant: {_choices((error.problem or {}).get('tenants'))}."
    faults = [(fault.get("path") or "(document)", fault.get("message", "")) for fault in error.errors]
    return ServiceAnswerError(error.message, error.error_code, detail=error.detail, faults=faults, hint=hint)


def _choices(tenants: object) -> str:
    known = tenants if isinstance(tenants, list) else []
    choices = [
        "--tenant '' (the platform's own)" if tenant is None else f"--tenant {shlex.quote(str(tenant))}"
        for tenant in known
    ]
    return " or ".join(choices) or "--tenant TENANT"
