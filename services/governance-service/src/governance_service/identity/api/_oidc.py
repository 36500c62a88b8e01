"""HTTP in and out of signing in with outside providers."""

from typing import Annotated, Final

from fastapi import APIRouter, Cookie, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from governance_service.errors import in_http_terms
from governance_service.identity.domain import OutsideLoginRefusedError
from governance_service.identity.opening import Identity
from maestro_core_api import public

from ._auth import TokenView
from ._shared import LIMITED, Body, TheIdentity

_COOKIE: Final = "maestro_outside_login"
_CALLBACK: Final = "/auth/oidc/callback"

router = APIRouter(prefix="/auth/oidc", tags=["sign-in"], dependencies=[Depends(in_http_terms)])


class ProvidersView(Body):
    """The providers that people may sign in with."""

    providers: list[str]


@router.get("/providers")
@public
async def providers(identity: TheIdentity) -> ProvidersView:
    """List the outside providers that people may sign in with."""
    return ProvidersView(providers=identity.outside.names)


@router.get("/login", status_code=302, response_class=RedirectResponse, dependencies=[LIMITED])
@public
async def login(
    provider: Annotated[str, Query(max_length=64, description="With whom.")], request: Request, identity: TheIdentity
) -> RedirectResponse:
    """Send the browser to an outside provider."""
    address = _redirect_uri(request, identity)
    begun = await identity.outside.begin(provider, redirect_uri=address)
    answer = RedirectResponse(begun.url, status_code=302)
    answer.set_cookie(
        _COOKIE,
        begun.browser,
        max_age=int(begun.lifetime.total_seconds()),
        httponly=True,
        secure=address.startswith("https:"),
        # Lax and not strict: the provider's page leads the browser back here.
        samesite="lax",
    )
    return answer


@router.get("/callback", dependencies=[LIMITED])
@public
async def callback(
    request: Request,
    response: Response,
    identity: TheIdentity,
    state: Annotated[str, Query(max_length=512)],
    code: Annotated[str | None, Query(max_length=4096)] = None,
    error: Annotated[str | None, Query(max_length=256)] = None,
    iss: Annotated[str | None, Query(max_length=512)] = None,
    browser: Annotated[str | None, Cookie(alias=_COOKIE)] = None,
) -> TokenView:
    """Take the browser back, and give tokens."""
    response.delete_cookie(_COOKIE)
    if code is None:
        reason = error if error is not None and error.isprintable() else "no code"
        raise OutsideLoginRefusedError(f"the provider sent the browser back with {reason}")
    tokens = await identity.outside.finish(
        state=state, browser=browser or "", code=code, issuer=iss, redirect_uri=_redirect_uri(request, identity)
    )
    return TokenView.of(tokens, identity.clock())


def _redirect_uri(request: Request, identity: Identity) -> str:
    # Never from the Host header, which the caller writes.
    config = identity.config
    known = config.public_url or config.advertise_url or request.app.bound_url
    base = known or f"http://{config.host}:{config.port}"
    return f"{base.rstrip('/')}{_CALLBACK}"
