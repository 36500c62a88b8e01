from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

from maestro_core_api import APIConfig, SecurityConfig
from maestro_core_config import BaseConfig, ConfigManager


class OrdersConfig(BaseConfig):
    """Configuration of a service for tests."""


def test_the_defaults_are_safe() -> None:
    """By default a service has no key, listens on this machine only, and takes a free port."""
    config = APIConfig(title="Orders", service_name="orders")
    assert config.security.jwt_secret_key is None
    assert (config.host, config.port, config.registry_url) == ("127.0.0.1", 0, None)


def test_a_key_must_be_long_enough_and_is_never_shown() -> None:
    """A key under 32 bytes is refused, and neither errors nor representations show a key."""
    with pytest.raises(ValidationError, match="at least 32 bytes") as refused:
        SecurityConfig(jwt_secret_key=SecretStr("hunter2"))
    assert "hunter2" not in str(refused.value)
    assert "a-long-secret" not in repr(SecurityConfig(jwt_secret_key=SecretStr("a-long-secret" * 3)))


def test_a_plain_string_is_a_key_too(secret: str) -> None:
    """The key may be given as text, as the guide does, and leaves it only on request."""
    key = SecurityConfig(jwt_secret_key=secret).jwt_secret_key
    assert key is not None
    assert key.get_secret_value() == secret


@pytest.mark.parametrize("name", ["", "Orders", "a b", "-orders", "orders/x"])
def test_a_service_name_fits_into_addresses(name: str) -> None:
    """A name that would not work in service:// addresses is refused."""
    with pytest.raises(ValidationError):
        APIConfig(title="Orders", service_name=name)


def test_options_come_from_the_service_s_configuration() -> None:
    """from_config takes over what BaseConfig knows, and options given by name win."""
    secret = "4fK2vQ9xTzW8mB3nR7yL-4fK2vQ9xTzW8"  # production takes no words
    environ = {
        "ORDERS_JWT_SECRET": secret,
        "ORDERS_PORT": "8080",
        "MAESTRO_REGISTRY_URL": "http://127.0.0.1:9000",
        "MAESTRO_ENVIRONMENT": "production",
    }
    config = APIConfig.from_config(
        ConfigManager(OrdersConfig, environ=environ).load(), title="Orders", version="2.0.0", lease=timedelta(seconds=3)
    )
    assert config.service_name == "orders"
    assert (config.title, config.version, config.port) == ("Orders", "2.0.0", 8080)
    assert config.environment == "production"
    assert config.lease == timedelta(seconds=3)
    assert config.registry_url is not None
    assert config.registry_url.rstrip("/") == "http://127.0.0.1:9000"
    assert config.security.jwt_secret_key is not None
    assert config.security.jwt_secret_key.get_secret_value() == secret
