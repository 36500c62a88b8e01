from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from maestro_core_config import BaseConfig, ConfigManager


class OrdersConfig(BaseConfig):
    pass


class HTTPGatewayConfig(BaseConfig):
    pass


class Named(BaseConfig):
    service_name = "elsewhere"


class Inheriting(Named):
    pass


@pytest.mark.parametrize(
    ("model", "name"),
    [(OrdersConfig, "orders"), (HTTPGatewayConfig, "http-gateway"), (Named, "elsewhere"), (Inheriting, "elsewhere")],
)
def test_the_service_is_named_after_its_class(model: type[BaseConfig], name: str) -> None:
    """The class's name says what it configures; a class may state another, and its subclasses keep that."""
    assert model.service_name == name
    assert model().service_name == name


@pytest.mark.parametrize("model", [OrdersConfig, Named])
def test_a_configuration_knows_the_name_it_was_loaded_under(model: type[BaseConfig], tmp_path: Path) -> None:
    """One class may serve several services, each with its own variables."""
    manager = ConfigManager(model, service_name="orders-eu", config_dir=tmp_path, environ={"ORDERS_EU_PORT": "81"})
    config = manager.load()
    assert (config.service_name, config.port) == ("orders-eu", 81)
    assert "service_name" not in config.model_dump()
    assert model().service_name != "orders-eu"


def test_every_service_has_the_shared_settings() -> None:
    """The defaults suit a developer's machine."""
    assert {name: str(value) for name, value in OrdersConfig()} == {
        "environment": "development",
        "host": "127.0.0.1",
        "port": "0",
        "advertise_url": "None",
        "data_dir": ".maestro/data",
        "log_level": "INFO",
        "log_format": "None",
        "jwt_secret": "None",
        "identity_url": "None",
        "registry_url": "None",
        "zone": "None",
        "otlp_endpoint": "None",
        "otlp_token": "None",
    }


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("port", 65_536),
        ("port", -1),
        ("host", ""),
        ("log_level", "LOUD"),
        ("log_format", "xml"),
        ("environment", "moon"),
        ("registry_url", "registry:8080"),
        ("registry_url", "ftp://registry"),
        ("advertise_url", "http://"),
        ("otlp_endpoint", "http://host:port"),
        ("jwt_secret", "x" * 31),
        ("jwt_secret", ""),
        ("unheard_of", 1),
    ],
)
def test_what_makes_no_sense_is_refused(setting: str, value: object) -> None:
    """A shared setting takes only what a service could use."""
    with pytest.raises(ValidationError) as caught:
        OrdersConfig.model_validate({setting: value})
    assert [error["loc"][0] for error in caught.value.errors()] == [setting]


def test_a_secret_is_measured_in_bytes() -> None:
    """32 bytes are enough, and letters outside ASCII count as what they are."""
    assert OrdersConfig.model_validate({"jwt_secret": "é" * 16}).jwt_secret is not None


def test_case_of_levels_does_not_matter() -> None:
    """`log_level: debug` is what people write."""
    config = OrdersConfig.model_validate({"log_level": "debug", "log_format": "JSON"})
    assert (config.log_level, config.log_format) == ("DEBUG", "json")


def test_configuration_is_frozen() -> None:
    """A service cannot change its settings behind its own back."""
    config = OrdersConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.port = 1  # type: ignore[misc]
