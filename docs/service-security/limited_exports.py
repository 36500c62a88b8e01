"""How much callers may send: limits of the whole service, and of single endpoints."""

from datetime import timedelta

from fastapi import Depends
from pydantic import SecretStr

from maestro_core_api import APIConfig, MaestroAPI, RateLimit, RateLimitConfig, SecurityConfig, limit_rate

# region: service
limits = RateLimitConfig(
    limits=(
        RateLimit(rule="per-address", limit=600, by=("address",)),  # before anybody is authenticated
        RateLimit(rule="per-caller", limit=100, period=timedelta(minutes=1), burst=20),
    ),
    when_unavailable="local",  # while Valkey is away each process counts for itself
)
app = MaestroAPI(
    APIConfig(
        title="Exports API",
        service_name="exports",
        security=SecurityConfig(
            jwt_secret_key=SecretStr("replace-this-by-at-least-32-bytes"), trusted_proxies=("10.0.0.0/8",)
        ),
        rate_limits=limits,  # with `valkey_url`, too, all workers and instances share one count
    )
)
# endregion: service

# region: endpoint
exports = RateLimit(rule="exports", limit=2, period=timedelta(hours=1))


@app.post("/exports", status_code=202, dependencies=[Depends(limit_rate(exports))])
async def export() -> dict[str, str]:
    return {"export": "begun"}


# endregion: endpoint
