"""HTTP in and out of signing in, staying and signing out."""

from datetime import datetime
from typing import Any, Literal, Self

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, SecretStr

from governance_service.callers import PlatformAdmin
from governance_service.errors import in_http_terms
from governance_service.identity.domain import InvalidIdentityError
from governance_service.identity.opening import Identity
from governance_service.identity.sessions import Tokens
from maestro_core_api import Principal, UnauthorizedException, current_principal, public

from ._shared import LIMITED, Address, Body, Caller, TheIdentity


class TokenRequest(Body):
    """How the caller proves who they are."""

    grant_type: Literal["password", "api_key"] = "password"
    """`password`, with `username` and `password`; or `api_key`, with the key in its own header."""
    username: str | None = Field(default=None, max_length=256)
    """The user's name."""
    password: SecretStr | None = Field(default=None, max_length=1024)
    """The password."""


class RefreshRequest(Body):
    """A refresh token."""

    refresh_token: SecretStr = Field(max_length=2048)
    """The session's last one; each is used once."""


class LogoutRequest(Body):
    """A session to end."""

    refresh_token: SecretStr | None = Field(default=None, max_length=2048)
    """Any of the session's; without it the session of the access token ends."""


class PasswordRequest(Body):
    """A new password of the user's own choice."""

    username: str = Field(max_length=256)
    """The user's name."""
    password: SecretStr = Field(max_length=1024)
    """The password until now."""
    new_password: SecretStr = Field(max_length=1024)
    """The new one."""


class TokenView(Body):
    """Tokens, as OAuth 2.0 names them (RFC 6749, 5.1)."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int
    refresh_token: str | None = None
    refresh_expires_in: int | None = None
    scope: str

    @classmethod
    def of(cls, tokens: Tokens, now: datetime) -> Self:
        """Show a session's tokens.

        Args:
            tokens: The tokens.
            now: The present.
        """
        return cls(
            access_token=tokens.access_token,
            expires_in=int((tokens.access_expires_at - now).total_seconds()),
            refresh_token=tokens.refresh_token,
            refresh_expires_in=int((tokens.refresh_expires_at - now).total_seconds()),
            scope=" ".join(sorted(tokens.scopes)),
        )


class CallerView(Body):
    """Who the caller is, to this service."""

    subject: str
    roles: list[str]
    scopes: list[str]
    tenant: str | None
    issuer: str | None
    api_key: str | None


router = APIRouter(tags=["sign-in"], dependencies=[Depends(in_http_terms)])


@router.get("/.well-known/jwks.json")
@public
async def jwks(identity: TheIdentity, response: Response) -> dict[str, Any]:
    """Publish the keys that sign access tokens, those to come included."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return identity.token_keys.jwks()


@router.post("/auth/token", dependencies=[LIMITED])
@public
async def token(data: TokenRequest, request: Request, identity: TheIdentity, address: Address) -> TokenView:
    """Give tokens for a name and a password; or an access token alone for an API key."""
    if data.grant_type == "api_key":
        return await _for_api_key(request, identity)
    if data.username is None or data.password is None:
        raise InvalidIdentityError({"username": "and password are needed"})
    tokens = await identity.signing_in.sign_in(data.username, data.password.get_secret_value(), address=address)
    return TokenView.of(tokens, identity.clock())


@router.post("/auth/refresh", dependencies=[LIMITED])
@public
async def refresh(data: RefreshRequest, identity: TheIdentity) -> TokenView:
    """Give the next tokens of a session. A refresh token that comes a second time ends the session."""
    tokens = await identity.sessions.refresh(data.refresh_token.get_secret_value())
    return TokenView.of(tokens, identity.clock())


@router.post("/auth/logout", status_code=204)
@public
async def logout(request: Request, identity: TheIdentity, data: LogoutRequest | None = None) -> None:
    """End a session. What is unknown or has ended is no error."""
    if data is not None and data.refresh_token is not None:
        await identity.sessions.end_by_refresh_token(data.refresh_token.get_secret_value())
        return
    caller = await current_principal(request)
    if caller.token_id is not None:
        await identity.sessions.end_by_access_token(caller.token_id)


@router.post("/auth/password", status_code=204, dependencies=[LIMITED])
@public
async def change_password(data: PasswordRequest, identity: TheIdentity, address: Address) -> None:
    """Choose a password of one's own; all sessions of the user end."""
    await identity.signing_in.change_password(
        data.username, data.password.get_secret_value(), data.new_password.get_secret_value(), address=address
    )


@router.get("/auth/me")
async def me(caller: Caller) -> CallerView:
    """Tell callers who they are."""
    return CallerView(
        subject=caller.subject,
        roles=sorted(caller.roles),
        scopes=sorted(caller.scopes),
        tenant=caller.tenant,
        issuer=caller.issuer,
        api_key=caller.key_id,
    )


@router.post("/auth/keys/replace", status_code=204)
async def replace_keys(caller: PlatformAdmin, identity: TheIdentity) -> None:
    """Replace the key that signs access tokens at once, because it may be known to others: every access token ends."""
    await identity.replace_keys(caller)


async def _for_api_key(request: Request, identity: Identity) -> TokenView:
    caller = await _api_key_caller(request)
    now = identity.clock()
    # Looked up again: what the framework remembers of a key for a moment must not live on in a token for minutes.
    key = await identity.key_store.find(caller.key_id or "")
    if key is None or key.revoked_at is not None:
        raise UnauthorizedException("The API key is revoked", error_code="API_KEY_REVOKED", rule="api-key-not-revoked")
    issued = identity.access_tokens.issue(
        subject=key.subject,
        roles=key.roles,
        scopes=key.scopes,
        tenant=key.tenant,
        now=now,
        until=key.expires_at,
        key_id=key.key_id,
        amr=["api_key"],
    )
    return TokenView(
        access_token=issued.token,
        expires_in=int((issued.expires_at - now).total_seconds()),
        scope=" ".join(sorted(key.scopes)),
    )


async def _api_key_caller(request: Request) -> Principal:
    caller = await current_principal(request)
    if caller.key_id is None:
        raise UnauthorizedException(
            "An API key is required", detail="send the key in its own header", rule="api-key-known"
        )
    return caller
