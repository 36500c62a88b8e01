"""Loading one model: ConfigManager beside pydantic-settings, in one run.

`--gate` fails when ConfigManager costs more than 1.3 times as much, by the median of paired rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from maestro_core_config import BaseConfig, ConfigManager

ROUNDS, LOADS, LIMIT = 21, 30, 1.3


class Pool(BaseModel):
    size: int = 5
    host: str = "localhost"


class PeerSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="BENCH_SERVICE_", env_nested_delimiter="__")
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
    pool: Pool = Pool()


class LayeredPeerSettings(PeerSettings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read what ConfigManager reads."""
        return (
            EnvSettingsSource(settings_cls),
            DotEnvSettingsSource(settings_cls, env_file=".env"),
            TomlConfigSettingsSource(settings_cls, toml_file="config/bench-service.toml"),
            TomlConfigSettingsSource(settings_cls, toml_file="config/shared.toml"),
        )


class BenchServiceConfig(BaseConfig):
    cache_ttl: int = 3600
    pool: Pool = Pool()


def cost(load: Callable[[], object]) -> float:
    """Return what a load costs, in µs of processor time."""
    begun = time.process_time_ns()
    for _ in range(LOADS):
        load()
    return (time.process_time_ns() - begun) / LOADS / 1_000


def ours() -> BenchServiceConfig:
    return ConfigManager(BenchServiceConfig).load()


def compare(title: str, peer: Callable[[], object]) -> float:
    """Measure both in turns, print the figures, and return the median of the ratios."""
    cost(peer), cost(ours)
    rounds = [(cost(peer), cost(ours)) for _ in range(ROUNDS)]
    theirs, mine = (min(side) for side in zip(*rounds, strict=True))
    ratio = statistics.median(own / other for other, own in rounds)
    print(f"{title}: pydantic-settings {theirs:.0f} µs, ConfigManager {mine:.0f} µs, {ratio:.2f} x")
    return ratio


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="store_true", help=f"fail above {LIMIT} x")
    gate = parser.parse_args().gate
    os.environ |= {  # noqa: TID251 - the peer reads nothing else
        "BENCH_SERVICE_PORT": "8080",
        "BENCH_SERVICE_POOL__SIZE": "9",
        "BENCH_SERVICE_LOG_LEVEL": "DEBUG",
    }
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        ratios = [compare("variables", PeerSettings)]
        Path("config").mkdir()
        Path("config/bench-service.toml").write_text('cache_ttl = 60\n[pool]\nhost = "db"\n')
        Path("config/shared.toml").write_text('host = "0.0.0.0"\n')
        Path(".env").write_text("BENCH_SERVICE_REGISTRY_URL=http://127.0.0.1:1\n")
        ratios.append(compare("variables, .env and two TOML files", LayeredPeerSettings))
        same = (LayeredPeerSettings(), ours())
        assert (
            len({(str(found.pool), found.cache_ttl, found.host, found.port, found.registry_url) for found in same}) == 1
        )
        os.chdir("/")
    if gate and max(ratios) > LIMIT:
        sys.exit(f"loading costs {max(ratios):.2f} x as much as with pydantic-settings; at most {LIMIT} x is allowed")


if __name__ == "__main__":
    main()
