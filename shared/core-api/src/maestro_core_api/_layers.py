"""The layers between the request pipeline and the routes: those of FastAPI, without the ones that never have anything to do."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from fastapi._body_limit import AppBodyLimitMiddleware
from starlette._exception_handler import wrap_app_handling_exceptions
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from ._request_info import request_info
from ._selection import RouteIndex

if TYPE_CHECKING:
    from ._app import MaestroAPI

_UNEXPECTED: Final = (500, Exception)
_BEGAN: Final[Message] = {"type": "http.response.start"}
"""Tells Starlette's machinery that the answer has begun; it goes no further."""


def lean_layers(app: "MaestroAPI", unexpected: ExceptionHandler) -> ASGIApp | None:
    """Build what FastAPI's `build_middleware_stack` builds, in fewer layers.

    What it leaves out: the layer that answers unexpected exceptions, which the request pipeline does, and FastAPI's own
    telemetry, which is off. What it makes one of: the handling of exceptions and the closing of uploaded files, each of which
    costs a request objects and closures that are used only when something fails or a form is read.

    Args:
        app: The application.
        unexpected: The handler of unexpected exceptions that the request pipeline makes unnecessary.

    Returns:
        The outermost layer; None when the application wants what is left out here.
    """
    handlers = dict(app.exception_handlers)
    last_resorts = [handlers.pop(key) for key in _UNEXPECTED if key in handlers]
    if app.debug or last_resorts != [unexpected]:
        return None
    layer: ASGIApp = FailureLayer(RouteIndex(app.router), handlers)
    for kind, arguments, options in reversed(app.user_middleware):
        layer = kind(layer, *arguments, **options)
    return AppBodyLimitMiddleware(layer, app.max_body_size)


class FailureLayer:
    """ASGI layer that turns exceptions into answers, and closes what a request has opened.

    A request that goes well costs it one exit stack. One that does not is taken through Starlette's own machinery.

    Args:
        app: The next layer.
        handlers: Handlers of exceptions, by class or status.
    """

    def __init__(self, app: ASGIApp, handlers: dict[Any, ExceptionHandler]) -> None:
        self._app = app
        sorted_out = ExceptionMiddleware(app, handlers)
        self._handlers = (sorted_out._exception_handlers, sorted_out._status_handlers)  # noqa: SLF001 - kept in step with it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope["starlette.exception_handlers"] = self._handlers
        stack = scope["fastapi_middleware_astack"] = AsyncExitStack()
        try:
            await self._app(scope, receive, send)
        except BaseException as error:  # noqa: BLE001 - raised again where it is dealt with
            await _fail(error, stack, scope, receive, send)
        else:
            await stack.aclose()


async def _fail(failure: BaseException, stack: AsyncExitStack, scope: Scope, receive: Receive, send: Send) -> None:
    held = [failure]
    del failure
    is_http = scope["type"] == "http"
    began = is_http and request_info(scope).status is not None

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        if began:
            await send(_BEGAN)
        async with stack:
            raise held[0]

    async def pass_on(message: Message) -> None:
        if message is not _BEGAN:
            await send(message)

    connection = Request(scope, receive, send) if is_http else WebSocket(scope, receive, send)
    try:
        await wrap_app_handling_exceptions(failing, connection)(scope, receive, pass_on)
    finally:
        # The frames of the failure hold what holds the failure, and with it the request, until the collector comes by.
        held.clear()
