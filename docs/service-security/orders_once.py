"""Answering a request once, however often it is sent."""

from fastapi import Depends
from pydantic import BaseModel, SecretStr

from maestro_core_api import (
    APIConfig,
    MaestroAPI,
    SecurityConfig,
    idempotent,
    require_idempotency_key,
)

app = MaestroAPI(
    APIConfig(
        title="Orders API",
        service_name="orders",
        security=SecurityConfig(jwt_secret_key=SecretStr("replace-this-by-at-least-32-bytes")),
    )
)


class Order(BaseModel):
    article: str


orders: list[Order] = []


# region: endpoint
@app.post("/orders", status_code=201, dependencies=[Depends(require_idempotency_key)])
@idempotent
async def create(order: Order) -> dict[str, int]:
    orders.append(order)  # in one transaction: what fails leaves nothing behind, and may run again
    return {"number": len(orders)}


# endregion: endpoint
