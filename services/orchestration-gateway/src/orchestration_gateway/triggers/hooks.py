"""The entrance for senders: webhooks, and CloudEvents over HTTP."""

import hashlib
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from maestro_core_api import public
from orchestration_gateway.errors import DeliveryTooLargeException, TriggerPausedException, answered
from orchestration_gateway.state import OPERATOR, Operator, TheState

from .cloud_events import BATCHED, STRUCTURED, read_events
from .declaration import WebhookDeclaration
from .errors import DeliveryInvalidError, TriggerNotFoundError
from .messages import webhook_message
from .signatures import verify
from .views import AcceptedView

router = APIRouter(tags=["deliveries"])
_PAUSED: Final = {"Retry-After": "60"}
_ANY_BODY: Final[dict[str, Any]] = {
    "requestBody": {"description": "Whatever was signed.", "content": {"*/*": {"schema": {}}}},
    "parameters": [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": description}
        for name, description in (
            ("webhook-id", "The message's id (Standard Webhooks); the same for each attempt."),
            ("webhook-timestamp", "When it was signed, in seconds since 1970."),
            ("webhook-signature", "`v1,` and the base64 of an HMAC-SHA256; several with blanks in between."),
            ("x-hub-signature-256", "`sha256=` and the HMAC-SHA256 of the body in hex (GitHub)."),
        )
    ],
}
_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "example": {"specversion": "1.0", "id": "A234", "source": "/shop", "type": "order.paid", "data": {"order": 17}},
}
_EVENTS: Final[dict[str, Any]] = {
    "requestBody": {
        "description": "An event (structured mode), a batch of them, or an event's data with its attributes as `ce-…` headers.",
        "content": {
            STRUCTURED: {"schema": _EVENT},
            BATCHED: {"schema": {"type": "array", "items": _EVENT}},
            "application/json": {"schema": {}},
        },
    }
}


class EventDeliveryView(BaseModel):
    """What came of an event with one trigger."""

    event_id: str
    trigger: str
    accepted: AcceptedView | None
    """Null when the trigger is paused, or could not map it; then it is a dead delivery."""


class EventsView(BaseModel):
    """What came of events: nothing where no trigger waits for them."""

    deliveries: list[EventDeliveryView]


@router.post("/hooks/{name}", status_code=202, openapi_extra=_ANY_BODY)
@public
async def take_webhook(
    name: Annotated[str, Path(description="The trigger's name.")], request: Request, state: TheState
) -> AcceptedView:
    """Take in a signed delivery. It is on disk when the answer comes; the same delivery again is the same run."""
    with answered():
        trigger = await state.triggers.get(name)
        declaration = trigger.declaration
        if not isinstance(declaration, WebhookDeclaration):
            raise TriggerNotFoundError(name)
        body = await _body(request, declaration.max_body_bytes)
        headers, now = _headers(request), state.clock()
        verified = verify(
            declaration.signature,
            headers,
            body,
            secrets_=state.triggers.keys(trigger),
            now=now,
            tolerance=timedelta(seconds=declaration.tolerance_s),
        )
        if declaration.paused:
            raise TriggerPausedException(detail=f"trigger {name!r} is paused; send it again later", headers=_PAUSED)
        message = webhook_message(headers, body, key=verified.sender_id or verified.key, received_at=now)
        taken = await state.intake.take(
            trigger,
            message,
            key=verified.key,
            digest=hashlib.sha256(body).hexdigest(),
        )
    return AcceptedView.of(taken.delivery, is_new=taken.is_new)


@router.post("/events", status_code=202, dependencies=[OPERATOR], openapi_extra=_EVENTS)
async def take_events(request: Request, state: TheState, caller: Operator) -> EventsView:
    """Take in CloudEvents for the triggers of the caller's tenant. They are on disk when the answer comes."""
    with answered():
        headers = _headers(request)
        try:
            events = read_events(headers, await request.body())
        except ClientDisconnect as error:
            raise DeliveryInvalidError("the body broke off") from error
        found = []
        for event in events:
            for each in await state.events.take(event, hears=lambda whose: whose == caller.tenant):
                accepted = None
                if each.taken is not None:
                    accepted = AcceptedView.of(each.taken.delivery, is_new=each.taken.is_new)
                found.append(EventDeliveryView(event_id=event["id"], trigger=each.trigger, accepted=accepted))
    return EventsView(deliveries=found)


def _headers(request: Request) -> dict[str, str]:
    """Return the headers; of one that comes several times the first, so that nothing signed can be put over."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found.setdefault(name.lower(), value)
    return found


async def _body(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "")
    found = bytearray()
    try:
        async for part in request.stream():
            found += part
            if len(found) > limit or (announced.isdecimal() and int(announced) > limit):
                raise DeliveryTooLargeException(
                    detail=f"the trigger takes at most {limit} bytes", limit=limit, headers={"Connection": "close"}
                )
    except ClientDisconnect as error:
        raise DeliveryInvalidError("the body broke off") from error
    return bytes(found)
