"""Conditional requests: not sending what the caller has, not changing what the caller has not seen."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, SecretStr

from maestro_core_api import (
    APIConfig,
    MaestroAPI,
    Preconditions,
    SecurityConfig,
    etag,
    preconditions,
    require_if_match,
)

app = MaestroAPI(
    APIConfig(
        title="Orders API",
        service_name="orders",
        security=SecurityConfig(jwt_secret_key=SecretStr("replace-this-by-at-least-32-bytes")),
    )
)


class Address(BaseModel):
    street: str
    version: int = 1


address = Address(street="1 Main Street")


# region: endpoints
@app.get("/address")
async def read(conditions: Annotated[Preconditions, Depends(preconditions)]) -> Address:
    conditions.check(etag(address.version))  # 304 when the caller has this version
    return address


@app.put("/address")
async def write(wanted: Address, conditions: Annotated[Preconditions, Depends(require_if_match)]) -> Address:
    conditions.check(etag(address.version))  # 412 when somebody was quicker; 428 without If-Match
    address.street, address.version = wanted.street, address.version + 1
    conditions.changed(etag(address.version))
    return address


# endregion: endpoints
