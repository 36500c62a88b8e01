"""A service that tells its name, and has a closed corner."""

from datetime import timedelta

from fastapi import Depends
from pydantic import SecretStr

from maestro_core_api import APIConfig, MaestroAPI, SecurityConfig, public, require_role


def named(name: str, registry_url: str, secret: str) -> MaestroAPI:
    """Make the service; its lease is short, so that a killed instance is soon forgotten."""
    app = MaestroAPI(
        APIConfig(
            title=name,
            service_name=name,
            environment="test",
            registry_url=registry_url,
            lease=timedelta(seconds=2),
            security=SecurityConfig(jwt_secret_key=SecretStr(secret)),
        )
    )

    @app.get("/who")
    @public
    async def who() -> str:
        return name

    @app.get("/inner", dependencies=[Depends(require_role("admin"))])
    async def inner() -> str:
        return "inner"

    return app
