"""The first service: `python first.py` serves it."""

from maestro_core_api import APIConfig, MaestroAPI
from maestro_core_config import BaseConfig, ConfigManager
from maestro_core_logging import configure_logging

configure_logging(service_name="shop")
config = ConfigManager(BaseConfig, service_name="shop").load()
app = MaestroAPI(APIConfig.from_config(config, title="Shop", service_name="shop"))


@app.get("/orders/{number}")
async def order(number: int) -> dict[str, int]:
    return {"number": number}


if __name__ == "__main__":
    app.run()
