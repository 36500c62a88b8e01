from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from pydantic import BaseModel, SecretStr

from maestro_core_config import BaseConfig, ConfigError, ConfigFault, ConfigManager


class Pool(BaseModel):
    size: int = 5
    password: SecretStr = SecretStr("")


class ShopServiceConfig(BaseConfig):
    model_endpoint: str = "http://default"
    tags: list[str] = []
    pool: Pool = Pool()
    limits: dict[str, int] = {}


class Shop(Protocol):
    """Makes a manager of the shop service's configuration over a folder of the test's own."""

    def __call__(self, **environ: str) -> ConfigManager[ShopServiceConfig]: ...


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def shop(folder: Path) -> Shop:
    def make(**environ: str) -> ConfigManager[ShopServiceConfig]:
        return ConfigManager(ShopServiceConfig, config_dir=folder, environ=environ)

    return make


@pytest.fixture
def faults(shop: Shop) -> Callable[..., dict[str, ConfigFault]]:
    def load(**environ: str) -> dict[str, ConfigFault]:
        with pytest.raises(ConfigError) as caught:
            shop(**environ).load()
        return {fault.field or fault.source: fault for fault in caught.value.faults}

    return load
