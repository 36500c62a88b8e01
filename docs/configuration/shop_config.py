"""The configuration of a shop, and where its values come from."""

# region: class
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from maestro_core_config import BaseConfig, ConfigManager, Live, Unit


class Pool(BaseModel):
    size: int = Field(default=5, ge=1)
    timeout: timedelta = timedelta(seconds=2)


class Card(BaseModel):
    kind: Literal["card"]
    api_key: SecretStr


class Invoice(BaseModel):
    kind: Literal["invoice"]
    days: int = 14


class ShopServiceConfig(BaseConfig):
    """Sells things."""

    page_size: Live[int] = Field(default=50, ge=1)
    """Orders on a page."""
    pool: Pool = Pool()
    """Connections to the database."""
    payment: Annotated[Card | Invoice, Field(discriminator="kind")] = Invoice(kind="invoice")
    """How customers pay."""
    warehouses: list[str] = ["north"]
    """Where goods come from, nearest first."""
    summary_length: Annotated[int, Unit("tokens")] = 200
    """Longest summary of a review."""


# endregion: class


def main() -> None:
    # region: load
    config = ConfigManager(ShopServiceConfig).load()
    print(config.page_size, config.pool.timeout, config.warehouses)
    # endregion: load


if __name__ == "__main__":
    main()
