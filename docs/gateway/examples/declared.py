"""A service that says what the gateway is to do for it: `python declared.py` serves it."""

from datetime import timedelta

from fastapi import Depends

from maestro_core_api import APIConfig, MaestroAPI, public, require_role
from maestro_core_api.gateway import GatewayConfig, GatewayCORS, GatewayRateLimit, GatewayRoute

# region: config
config = APIConfig(
    title="Shop",
    service_name="shop",
    version="2.0.0",
    gateway=GatewayConfig(
        routes=(
            GatewayRoute(path="/orders", rate_limits=(GatewayRateLimit(rule="orders", limit=100, by=("tenant",)),)),
            GatewayRoute(path="/reports", roles=("operator",), timeout=timedelta(minutes=2)),
        ),
        cors=GatewayCORS(origins=("https://shop.example",)),
        weights={"2.0.0": 10},  # a canary: one request in ten
    ),
)
# endregion: config
app = MaestroAPI(config)


@app.get("/about")
@public
async def about() -> dict[str, str]:
    return {"name": "Shop"}


@app.delete("/orders/{number}", dependencies=[Depends(require_role("admin"))])
async def remove(number: int) -> dict[str, int]:
    return {"number": number}


if __name__ == "__main__":
    app.run()
