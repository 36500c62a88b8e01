"""Loading one model from the environment: ConfigManager beside pydantic-settings, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable

from pydantic_settings import BaseSettings, SettingsConfigDict

from maestro_core_config import BaseConfig, ConfigManager

LOADS, ROUNDS = 300, 5


class PeerSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="BENCH_SERVICE_")
    environment: str = "development"
    host: str = "127.0.0.1"
    port: int = 0
    advertise_url: str | None = None
    data_dir: str = ".maestro/data"
    log_level: str = "INFO"
    log_format: str | None = None
    jwt_secret: str | None = None
    registry_url: str | None = None
    otlp_endpoint: str | None = None
    cache_ttl: int = 3600


class BenchServiceConfig(BaseConfig):
    cache_ttl: int = 3600


def cost(load: Callable[[], object]) -> float:
    """Return the best of several rounds, in µs a load."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(LOADS):
            load()
        best = min(best, time.perf_counter() - begun)
    return best / LOADS * 1e6


def main() -> None:
    """Print the figures."""
    peer = cost(PeerSettings)
    ours = cost(lambda: ConfigManager(BenchServiceConfig).load())
    print(f"pydantic-settings: {peer:.0f} µs a load")
    print(f"ConfigManager.load (files looked for as well): {ours:.0f} µs, {ours / peer:.2f} x")


if __name__ == "__main__":
    main()
