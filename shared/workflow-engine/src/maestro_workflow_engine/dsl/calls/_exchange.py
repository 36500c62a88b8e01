"""One HTTP exchange with credentials: digest challenges are answered, and a token that was refused is renewed once."""

from __future__ import annotations

from dataclasses import replace

from maestro_workflow_engine.dsl._http import HttpCallError, HttpRequest, HttpResponse
from maestro_workflow_engine.dsl.calls._authorization import Credentials
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._digest import find_challenge
from maestro_workflow_engine.dsl.calls._oauth2 import access_token

_EXCERPT = 500
"""How much of an error answer's body is told in the error, in characters."""


async def exchange(request: HttpRequest, shown: Credentials | None, context: CallContext) -> HttpResponse:
    """Send a request.

    Args:
        request: The request, without an Authorization header of its own where there are credentials.
        shown: What the server is shown; None for nothing.
        context: The call.

    Returns:
        The response, whatever its status.

    Raises:
        CallFault: There is none: the standard error "communication".
    """
    if shown is None or shown.scheme == "Digest":
        response = await _sent(request, context)
    else:
        response = await _sent(_with(request, shown.header), context)
    if response.status != 401 or shown is None:
        return response
    if shown.scheme == "Digest":
        challenge = find_challenge(header(response, "www-authenticate") or "")
        if challenge is None:
            return response
        return await _sent(_with(request, challenge.answer(request, shown.username, shown.password)), context)
    if shown.grant is not None:
        context.shared.tokens.drop(shown.grant.key, shown.parameter)
        token = await access_token(shown.grant, context)
        return response if token == shown.parameter else await _sent(_with(request, f"Bearer {token}"), context)
    return response


def header(response: HttpResponse, name: str) -> str | None:
    """Return a header of a response; None when it is absent."""
    return next((value for key, value in response.headers.items() if key.lower() == name), None)


def refused(request: HttpRequest, response: HttpResponse) -> CallFault:
    """Make the error of a response whose status is no success."""
    told = response.content[: 4 * _EXCERPT].decode("utf-8", "replace")[:_EXCERPT].strip()
    problem = f"{request.method} {request.url} answered {response.status} {response.reason}".rstrip()
    return CallFault(
        "communication",
        f"{problem}: {told}" if told else problem,
        title=response.reason or None,
        status=response.status,
    )


def _with(request: HttpRequest, authorization: str) -> HttpRequest:
    kept = {name: value for name, value in request.headers.items() if name.lower() != "authorization"}
    return replace(request, headers={**kept, "authorization": authorization})


async def _sent(request: HttpRequest, context: CallContext) -> HttpResponse:
    try:
        return await context.http.call(request)
    except HttpCallError as error:
        raise CallFault("communication", f"{request.method} {request.url} got no answer: {error}") from None
