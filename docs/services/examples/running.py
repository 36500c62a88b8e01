"""The same service as it is run: workers, TLS, limits, drain, and settings that explain themselves."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from fastapi import Depends
from pydantic import Field

from maestro_core_api import APIConfig, LimitsConfig, MaestroAPI, TLSConfig, require_role, time_limit
from maestro_core_config import BaseConfig, ConfigManager
from maestro_core_logging import configure_logging


# region: settings
class ShopConfig(BaseConfig):
    workers: int = Field(default=2, ge=1)
    certificate: Path | None = None
    key: Path | None = None


# endregion: settings
configure_logging(service_name="shop", stream=sys.stdout)
# region: build
manager = ConfigManager(ShopConfig, service_name="shop")
config = manager.load()
app = MaestroAPI(
    APIConfig.from_config(
        config,
        title="Shop",
        service_name="shop",
        workers=config.workers,
        tls=TLSConfig(certificate=config.certificate, key=config.key) if config.certificate and config.key else None,
        limits=LimitsConfig(
            request_timeout=timedelta(seconds=20),  # from a request's head to the beginning of its answer, else 504
            body_timeout=timedelta(seconds=10),  # for a caller to send the body, else 408
            header_timeout=timedelta(seconds=5),
            max_header_bytes=32 * 1024,
        ),
        max_body_bytes=1024 * 1024,
        shutdown_delay=timedelta(seconds=1),  # not ready, but still answering: until load balancers have noticed
        shutdown_grace=timedelta(seconds=15),  # for the requests that are still running then
    ),
    settings=manager,  # /ops/config explains them
)
# endregion: build


# region: limit
@app.post("/reports", dependencies=[Depends(require_role("operator"))])
@time_limit(timedelta(minutes=10))
async def report(month: str) -> dict[str, str]:
    await asyncio.sleep(0)  # what takes its time
    return {"month": month}


# endregion: limit

if __name__ == "__main__":
    app.run()
