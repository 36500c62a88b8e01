"""Calling a service in process, as whoever the test wants to be."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from starlette.testclient import TestClient

from maestro_core_api._app import MaestroAPI
from maestro_core_api._tokens import issue_token


def token_for(
    app: MaestroAPI,
    *,
    subject: str = "test",
    roles: Sequence[str] = ("admin",),
    scopes: Sequence[str] = (),
    expires_in: timedelta = timedelta(hours=1),
    tenant: str | None = None,
) -> str:
    """Issue a token that an application accepts.

    Args:
        app: The application.
        subject: Name of the caller.
        roles: Roles of the caller.
        scopes: Scopes of the caller.
        expires_in: How long it is valid; a negative time makes one that has expired.
        tenant: Tenant of the caller.

    Returns:
        The token.

    Raises:
        RuntimeError: The application has no `jwt_secret_key`.
    """
    security = app.config.security
    if security.jwt_secret_key is None:
        raise RuntimeError("the application under test has no jwt_secret_key: give it a SecurityConfig")
    return issue_token(
        security.jwt_secret_key,
        subject=subject,
        roles=roles,
        scopes=scopes,
        expires_in=expires_in,
        issuer=security.issuer,
        audience=security.audience,
        tenant=tenant,
    )


def in_process_client(app: MaestroAPI, headers: Mapping[str, str] | None = None) -> TestClient:
    """Make a client; `with` starts and stops the application's lifespan.

    Args:
        app: The application.
        headers: Of every request; by default those of an admin, where the application knows tokens.

    Returns:
        The client. It answers server errors as responses, the way a caller over the network sees them.
    """
    return TestClient(
        app, raise_server_exceptions=False, headers=dict(admin_headers(app) if headers is None else headers)
    )


def admin_headers(app: MaestroAPI) -> dict[str, str]:
    """Return the headers of an admin; none where the application knows no tokens.

    Args:
        app: The application.
    """
    return {} if app.config.security.jwt_secret_key is None else {"Authorization": f"Bearer {token_for(app)}"}
