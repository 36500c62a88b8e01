"""CloudEvents over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from maestro.api.state import OPERATOR, TheEvents
from maestro.domain.cloud_events import read_events
from maestro.errors import answered

router = APIRouter(prefix="/events", tags=["events"], dependencies=[OPERATOR])

_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "example": {
        "specversion": "1.0",
        "id": "A234-1234",
        "source": "https://shop.example.com/orders",
        "type": "com.example.order.paid.v1",
        "data": {"orderId": "17"},
    },
}
_BODY = {
    "requestBody": {
        "description": "An event (structured mode), a batch of them, or an event's data, its attributes being `ce-…` headers "
        "(binary mode).",
        "content": {
            "application/cloudevents+json": {"schema": _EVENT},
            "application/cloudevents-batch+json": {"schema": {"type": "array", "items": _EVENT}},
            "application/json": {"schema": {}},
        },
    }
}


class EventView(BaseModel):
    """An event that was taken in."""

    source: str
    id: str
    new: bool
    """False when an event of this source and id had come within the last seven days: it goes to nobody a second time."""


class EventsView(BaseModel):
    """The events of a request."""

    events: list[EventView]
    """In their order."""


@router.post("", status_code=202, openapi_extra=_BODY)
async def publish_events(request: Request, events: TheEvents) -> EventsView:
    """Take in CloudEvents. They are on disk, and with every run that listens for them, when the answer comes."""
    with answered():
        found = read_events(request.headers.items(), await request.body())
        known = await events.publish(found)
    views = [
        EventView(source=event["source"], id=event["id"], new=new) for event, new in zip(found, known, strict=True)
    ]
    return EventsView(events=views)
