"""How each kind of exception becomes an answer."""

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ._exceptions import APIException, ValidationException
from ._pipeline import internal_error
from ._problem import problem_response, status_error


def add_handlers(app: FastAPI) -> None:
    """Make an application answer every error as a problem document.

    Args:
        app: The application.
    """
    app.add_exception_handler(APIException, _answer_api_exception)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_invalid_request)
    app.add_exception_handler(Exception, answer_unexpected)


def dotted_path(location: tuple[int | str, ...]) -> str:
    """Write a validation error's location the way a person would.

    Args:
        location: For instance `("body", "items", 0, "name")`.

    Returns:
        For instance `body.items[0].name`.
    """
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


async def _answer_api_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, APIException)
    return problem_response(error, request.scope)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail: Any = error.detail
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    problem = status_error(
        error.status_code,
        detail=detail if isinstance(detail, str) else None,
        headers=dict(error.headers or {}),
    )
    if isinstance(detail, dict):
        problem.extra.update(detail)
    elif problem.detail is None and error.status_code in (404, 405):
        problem.detail = f"there is no {request.method} {request.url.path}"
    return problem_response(problem, request.scope)


async def _answer_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError | WebSocketRequestValidationError)
    items = []
    for fault in error.errors():
        location = tuple(fault["loc"])
        message = fault["msg"]
        if fault["type"] == "json_invalid":
            # FastAPI puts the character's position into the location, where it would read like an index.
            message = f"not valid JSON at character {location[-1]}: {fault.get('ctx', {}).get('error', message)}"
            location = location[:1]
        items.append({"path": dotted_path(location), "message": message})
    count = "1 fault" if len(items) == 1 else f"{len(items)} faults"
    return problem_response(ValidationException(detail=f"{count} in the request", errors=items), request.scope)


async def answer_unexpected(request: Request, error: Exception) -> Response:
    """Answer an exception that nobody expected, where Starlette's layer for that is in place.

    Args:
        request: The request.
        error: The exception.

    Returns:
        A 500 that says nothing about the inside.
    """
    # Starlette raises the exception again after this answer; the pipeline logs it there, once.
    return problem_response(internal_error(), request.scope)
