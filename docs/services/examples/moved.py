"""The same service on MaestroAPI."""

from maestro_core_api import APIConfig, MaestroAPI, NotFoundException
from maestro_core_config import BaseConfig, ConfigManager
from maestro_core_logging import configure_logging


class OrderNotFoundException(NotFoundException):
    error_code = "ORDER_NOT_FOUND"
    message = "Order not found"


configure_logging(service_name="shop")
config = ConfigManager(BaseConfig, service_name="shop").load()
app = MaestroAPI(APIConfig.from_config(config, title="Shop", service_name="shop"))


@app.get("/orders/{number}")
async def order(number: int) -> dict[str, int]:
    if number > 99:
        raise OrderNotFoundException(detail=f"there is no order {number}")
    return {"number": number}


if __name__ == "__main__":
    app.run()
