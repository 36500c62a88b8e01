"""API keys for machines: made, kept as hashes in a file, accepted, taken back."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from fastapi import Depends
from pydantic import SecretStr

from maestro_core_api import (
    APIConfig,
    APIKeyConfig,
    FileKeyStore,
    MaestroAPI,
    Principal,
    SecurityConfig,
    issue_api_key,
    require_role,
)

# region: service
pepper = SecretStr("replace-this-by-at-least-32-bytes")
keys = FileKeyStore(Path("api-keys.json"))  # or anything with `async def find(key_id)`
app = MaestroAPI(
    APIConfig(
        title="Orders API",
        service_name="orders",
        security=SecurityConfig(api_keys=APIKeyConfig(prefix="orders", pepper=pepper)),
    ),
    key_store=keys,
)


@app.get("/orders")
async def orders(caller: Annotated[Principal, Depends(require_role("viewer"))]) -> dict[str, str]:
    return {"asked_by": caller.subject}


# endregion: service


# region: issue
async def give_key_to(machine: str) -> str:
    key, record = issue_api_key(
        subject=machine, roles=["viewer"], expires_in=timedelta(days=90), prefix="orders", pepper=pepper
    )
    await keys.add(record)
    return key  # shown once; what is kept cannot be turned back into it


async def take_back(key_id: str) -> None:
    await keys.revoke(key_id)
    app.authenticator.forget_api_key(key_id)  # at once, and not within `APIKeyConfig.remember`


# endregion: issue
