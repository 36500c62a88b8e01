"""Live streams over SSE and WebSocket, and the tickets that open them."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request, WebSocket
from pydantic import BaseModel
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect

from maestro_core_api import APIException, Principal, ValidationException, public
from orchestration_gateway.errors import answered
from orchestration_gateway.state import TheState, Viewer

from .access import is_away, require_visible, stream_caller
from .feed import FROM_THE_START, FeedEvent
from .following import Ended, all_portions, run_portions
from .sse import BEAT, CONNECTED, SseResponse, message, notice
from .tickets import TicketError

router = APIRouter(prefix="/live", tags=["live"])
Ticket = Annotated[
    str | None, Query(max_length=4_096, description="A stream ticket, for clients that send no headers.")
]
After = Annotated[
    str | None,
    Query(max_length=20, description="The id to resume behind; for clients that cannot send `Last-Event-ID`."),
]
LastEventId = Annotated[str | None, Header(max_length=20, description="The id of the last event that was seen.")]
_LARGEST: Final = 2**63 - 1
_POLICY_VIOLATION: Final = 1008
_TRY_AGAIN_LATER: Final = 1013
_BAD_MESSAGE: Final = 1007
_COMPLETE: Final = 1000
_LAGGED: Final = 4_008
_RESTARTS: Final = 1012
_HELLO_S: Final = 30.0
_LARGEST_HELLO: Final = 1_024


class TicketView(BaseModel):
    """A stream ticket."""

    ticket: str
    """To be put into the address: `?ticket=…`."""
    expires_in_s: float
    """How long it opens streams, in seconds; streams that are open stay open."""


@router.post("/tickets", status_code=201)
async def make_ticket(state: TheState, caller: Viewer) -> TicketView:
    """Make a stream ticket, with which a browser's `EventSource` or `WebSocket` opens streams as the caller."""
    try:
        ticket = state.tickets.write(caller, state.clock())
    except TicketError as error:
        raise APIException(
            "There are no stream tickets", detail=str(error), status_code=501, error_code="NO_TICKETS"
        ) from error
    return TicketView(ticket=ticket, expires_in_s=state.tickets.lifetime.total_seconds())


@router.get("/runs", response_class=SseResponse, status_code=200)
@public
async def stream_all(
    request: Request, state: TheState, ticket: Ticket = None, after: After = None, last_event_id: LastEventId = None
) -> Response:
    """Follow the changes of all runs from now on, or behind the last one that was seen: `run_created` and `run_finished`."""
    caller = await stream_caller(request, ticket, state)
    place = _place(last_event_id or after)
    return await _sse(state, caller, all_portions(after=place, tenant=caller.tenant, state=state))


@router.get(
    "/runs/{run_id}",
    response_class=SseResponse,
    status_code=200,
)
@public
async def stream_run(
    run_id: str,
    request: Request,
    state: TheState,
    ticket: Ticket = None,
    after: After = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Follow a run: its history so far, then each event as it happens. With `Last-Event-ID`, only what came after it."""
    caller = await stream_caller(request, ticket, state)
    place = _place(last_event_id or after)
    is_checked = await _checked(run_id, caller, state)
    portions = run_portions(
        run_id,
        after=FROM_THE_START if place is None else place,
        caller=caller,
        is_checked=is_checked,
        state=state,
    )
    return await _sse(state, caller, portions)


@router.websocket("/ws/runs")
@public
async def socket_all(socket: WebSocket, state: TheState, ticket: Ticket = None) -> None:
    """Follow the changes of all runs over a WebSocket."""
    await _serve(socket, state, ticket, None)


@router.websocket("/ws/runs/{run_id}")
@public
async def socket_run(run_id: str, socket: WebSocket, state: TheState, ticket: Ticket = None) -> None:
    """Follow a run over a WebSocket."""
    await _serve(socket, state, ticket, run_id)


async def _checked(run_id: str, caller: Principal, state: Any) -> bool:
    """Tell whether the caller may follow the run; False when the orchestrator cannot be asked now.

    A browser gives a stream up for good when the first answer is an error, so that one is opened and waits.
    """
    try:
        await require_visible(run_id, caller, state)
    except APIException as error:
        if is_away(error):
            return False
        raise
    return True


async def _sse(state: Any, caller: Principal, portions: AsyncGenerator[list[FeedEvent] | Ended | None]) -> Response:
    async def parts() -> AsyncGenerator[bytes]:
        yield CONNECTED
        async for portion in portions:
            match portion:
                case None:
                    yield BEAT
                case Ended("complete"):
                    yield notice("complete", "{}")
                case Ended(reason, detail):
                    yield notice(reason, json.dumps({"detail": detail}))
                case _:
                    yield b"".join(map(message, portion))

    place = state.quotas.stream(caller.tenant)
    return _PlacedResponse(parts(), place, portions, send_timeout=timedelta(seconds=state.config.stream_send_timeout_s))


class _PlacedResponse(SseResponse):
    """Takes the stream's place as it begins, and gives back what it holds, however it ends."""

    def __init__(
        self,
        parts: AsyncGenerator[bytes],
        place: AbstractAsyncContextManager[None],
        portions: AsyncGenerator[Any],
        *,
        send_timeout: timedelta,
    ) -> None:
        super().__init__(parts, send_timeout=send_timeout)
        self._place = place
        self._portions = portions

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with AsyncExitStack() as held:
            held.push_async_callback(self._portions.aclose)
            with answered():
                await held.enter_async_context(self._place)
            await super().__call__(scope, receive, send)


async def _serve(socket: WebSocket, state: Any, ticket: str | None, run_id: str | None) -> None:
    try:
        caller = await stream_caller(socket, ticket, state)
        is_checked = run_id is None or await _checked(run_id, caller, state)
        with answered():
            async with state.quotas.stream(caller.tenant):
                await socket.accept()
                await _talk(socket, state, caller, run_id, is_checked)
    except APIException as error:
        code = _TRY_AGAIN_LATER if error.status_code == 429 else _POLICY_VIOLATION
        await socket.close(code, error.error_code)
    except WebSocketDisconnect:
        pass


async def _talk(socket: WebSocket, state: Any, caller: Principal, run_id: str | None, is_checked: bool) -> None:
    try:
        place = await _hello(socket)
    except (ValueError, TimeoutError) as error:
        await socket.close(_BAD_MESSAGE, (str(error) or 'send {"after": <cursor or null>} first')[:120])
        return
    if run_id is None:
        portions = all_portions(after=place, tenant=caller.tenant, state=state)
    else:
        portions = run_portions(
            run_id,
            after=FROM_THE_START if place is None else place,
            caller=caller,
            is_checked=is_checked,
            state=state,
        )
    sending = asyncio.create_task(_send_all(socket, portions, state.config.stream_send_timeout_s))
    listening = asyncio.create_task(_listen(socket))
    stopping = asyncio.create_task(state.stopping.wait())
    tasks = (sending, listening, stopping)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        is_stopping = stopping.done() and not listening.done()
    finally:
        for task in tasks:
            task.cancel()
        ended, *_ = await asyncio.gather(*tasks, return_exceptions=True)
        await portions.aclose()
    # Only now: the server sends no close while somebody waits for what the client says.
    if is_stopping:
        await socket.close(_RESTARTS, "the service stops; come back")
    elif isinstance(ended, Ended):
        await socket.close(_COMPLETE if ended.reason == "complete" else _LAGGED, ended.reason)


async def _hello(socket: WebSocket) -> int | None:
    """Read the first message, `{"after": cursor}`: where to go on."""
    async with asyncio.timeout(_HELLO_S):
        text = await socket.receive_text()
    hello = json.loads(text) if len(text) <= _LARGEST_HELLO else None
    if not isinstance(hello, dict) or hello.keys() - {"after"}:
        raise ValueError('the first message must be {"after": <cursor or null>}')
    place = hello.get("after")
    if place is not None and (isinstance(place, bool) or not isinstance(place, int) or not -1 <= place <= _LARGEST):
        raise ValueError("after must be a cursor, a whole number, or null")
    return place


async def _send_all(
    socket: WebSocket, portions: AsyncGenerator[list[FeedEvent] | Ended | None], send_timeout_s: float
) -> Ended | None:
    """Send everything; returns why it ended."""

    async def send(text: str) -> None:
        async with asyncio.timeout(send_timeout_s):
            await socket.send_text(text)

    async for portion in portions:
        match portion:
            case None:
                await send('{"kind":"heartbeat"}')
            case Ended(reason, detail):
                await send(json.dumps({"kind": reason, "detail": detail}))
                return portion
            case _:
                for event in portion:
                    await send(
                        f'{{"kind":"event","cursor":{event.position},"type":"{event.type}","data":{event.data}}}'
                    )
    return None


async def _listen(socket: WebSocket) -> None:
    """Notice that the client leaves; what it says after the first message means nothing."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _place(text: str | None) -> int | None:
    if text is None or text == "":
        return None
    if not text.isdecimal() or int(text) > _LARGEST:
        raise ValidationException(
            detail="must be the id of an event of this stream, a number",
            errors=[{"path": "header.Last-Event-ID", "message": "must be the id of an event of this stream, a number"}],
        )
    return int(text)
