"""Settings that a running service takes up, and where its log goes."""

import asyncio
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from pydantic import SecretStr

from maestro_core_api import MaestroAPI, configure_service_logging, public
from maestro_core_api.testing import running
from maestro_core_config import BaseConfig, ConfigManager
from maestro_core_logging import configure_logging, flush_logs, get_logger, log_levels

MakeApp = Callable[..., MaestroAPI]


class ShopConfig(BaseConfig):
    """A service's own."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The service's configuration file."""
    path = tmp_path / "shop.yaml"
    path.write_text("log_level: INFO\n")
    return path


def _say(file: Path, text: str) -> None:
    file.write_text(text)


async def test_a_level_that_changes_in_the_file_holds_at_once(
    make_app: MakeApp, file: Path, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The service is not started again for it; a file that is broken meanwhile leaves the level as it is."""
    configure_logging("shop", log_level="INFO")
    app = make_app(settings=ConfigManager(ShopConfig, config_dir=file.parent, environ={}))
    async with running(app):
        _say(file, "log_level: DEBUG\n")
        await eventually(lambda: log_levels()[""] == "DEBUG")
        _say(file, "log_level: LOUD\n")
        await eventually(lambda: "a change of the configuration was refused" in caplog.text)
        assert log_levels()[""] == "DEBUG"
        _say(file, "log_level: ERROR\n")
        await eventually(lambda: log_levels()[""] == "ERROR")


async def test_a_configuration_that_is_gone_does_not_keep_the_service_from_starting(
    make_app: MakeApp, file: Path
) -> None:
    """It was good when the service was built; that it cannot be read now is logged, and the service runs."""
    manager = ConfigManager(ShopConfig, config_dir=file.parent, environ={})
    _say(file, "log_level: [\n")
    async with running(make_app(settings=manager)) as url:
        assert url


async def test_records_go_to_the_receiver_with_its_token(make_app: MakeApp, eventually: Any) -> None:
    """Where a receiver is configured, what is logged arrives there, and it can tell who sends it."""
    received: list[tuple[str | None, Any]] = []
    app = make_app()

    @app.post("/v1/logs")
    @public
    async def take(request: Request) -> dict[str, Any]:
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        received.append((request.headers.get("authorization"), json.loads(body)))
        return {}

    async with running(app) as url:
        config = ShopConfig(otlp_endpoint=url, otlp_token=SecretStr("s3cret-token"))
        configure_service_logging(config, version="2.0.0")
        get_logger("shop").info("Order paid", order="o-1")
        await asyncio.to_thread(flush_logs)
        await eventually(lambda: any("Order paid" in json.dumps(body) for _, body in received))
        configure_logging("shop")
    assert {token for token, _ in received} == {"Bearer s3cret-token"}
    assert '"2.0.0"' in json.dumps(received[0][1])
