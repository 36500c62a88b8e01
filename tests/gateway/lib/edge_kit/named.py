"""A service that tells its name, and has a closed corner."""

from datetime import timedelta

from fastapi import Depends
from pydantic import SecretStr

from maestro_core_api import APIConfig, MaestroAPI, SecurityConfig, public, require_role


def named(name: str, registry_url: str, secret: str, lease: timedelta = timedelta(minutes=3)) -> MaestroAPI:
    """Make the service."""
    app = MaestroAPI(
        APIConfig(
            title=name,
            service_name=name,
            environment="test",
            registry_url=registry_url,
            lease=lease,
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
