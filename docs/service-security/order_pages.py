"""A listing in pages, each order once, whatever is added meanwhile."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, SecretStr

from maestro_core_api import APIConfig, MaestroAPI, Page, Paging, SecurityConfig, paging

app = MaestroAPI(
    APIConfig(
        title="Orders API",
        service_name="orders",
        security=SecurityConfig(jwt_secret_key=SecretStr("replace-this-by-at-least-32-bytes")),
    )
)


class Order(BaseModel):
    number: int
    created_at: datetime


orders = [
    Order(number=number, created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)) for number in range(120)
]

# region: endpoint
Position = tuple[datetime, int]
OrderPaging = Annotated[Paging[Position], Depends(paging(Position, default=50, most=200))]


@app.get("/orders")
async def list_orders(paging: OrderPaging) -> Page[Order]:
    # In SQL: WHERE (created_at, number) > (:after) ORDER BY created_at, number LIMIT :fetch
    rest = (order for order in orders if paging.after is None or position(order) > paging.after)
    found = [order for _, order in zip(range(paging.fetch), rest, strict=False)]
    return paging.page(found, position)


def position(order: Order) -> Position:
    return order.created_at, order.number


# endregion: endpoint
