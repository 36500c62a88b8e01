"""A service with a listing, a stream and something that only operators may do."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from maestro_core_api import APIConfig, MaestroAPI, NotFoundException, SecurityConfig, require_role
from maestro_core_logging import get_logger

logger = get_logger(__name__)


class Order(BaseModel):
    """An order."""

    number: int
    article: str


class Page(BaseModel):
    """A part of the listing."""

    items: list[Order]
    next_cursor: str | None


def create_app(secret: str) -> MaestroAPI:
    """Build the service."""
    security = SecurityConfig.model_validate({"jwt_secret_key": secret})
    app = MaestroAPI(APIConfig(title="Orders", service_name="orders", security=security))
    taken = app.metrics.counter("orders_taken_total", "Orders taken.", ("article",))
    orders: list[Order] = []

    @app.post("/orders", dependencies=[Depends(require_role("operator"))])
    async def take(article: str) -> Order:
        order = Order(number=len(orders), article=article)
        orders.append(order)
        taken.labels(article).inc()
        logger.info("Order taken", number=order.number)
        return order

    @app.get("/orders")
    async def listed(limit: int = 2, cursor: str = "0") -> Page:
        first, end = int(cursor), int(cursor) + limit
        return Page(items=orders[first:end], next_cursor=str(end) if end < len(orders) else None)

    @app.get("/orders/{number}")
    async def shown(number: int) -> Order:
        if number >= len(orders):
            raise NotFoundException(error_code="ORDER_NOT_FOUND", detail=f"order {number}")
        return orders[number]

    @app.get("/events")
    async def events(last_event_id: Annotated[int, Header()] = -1) -> StreamingResponse:
        async def send() -> AsyncIterator[str]:
            for order in orders[last_event_id + 1 :]:
                yield f"id: {order.number}\nevent: taken\ndata: {order.model_dump_json()}\n\n"

        return StreamingResponse(send(), media_type="text/event-stream")

    return app
