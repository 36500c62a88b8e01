from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from maestro_core_config import BaseConfig, ConfigManager
from maestro_core_db import DatabaseSettings, RetryPolicy, parse_url


class OrdersServiceConfig(DatabaseSettings, BaseConfig):
    pass


def test_the_default_is_a_file_of_the_service(tmp_path: Path) -> None:
    """Without a URL it is a SQLite file in data_dir, named like the service."""
    options = OrdersServiceConfig(data_dir=tmp_path).database_options
    assert (options.url.kind, options.url.path) == ("sqlite", tmp_path / "orders-service.db")
    assert (options.pool_size, options.slow_query) == (5, timedelta(milliseconds=500))


def test_everything_comes_from_the_environment(tmp_path: Path) -> None:
    """The URL and the options come like every setting, and the schema is named like the service."""
    environ = {
        "ORDERS_SERVICE_DATABASE_URL": "postgres://me:hush-hush@db.example:5433/shop?sslmode=require",
        "MAESTRO_DATABASE_POOL_SIZE": "9",
        "MAESTRO_CONFIG_DIR": str(tmp_path),
    }
    config = ConfigManager(OrdersServiceConfig, environ=environ, env_file=None).load()
    options = config.database_options
    assert (options.schema, options.pool_size) == ("orders_service", 9)
    assert str(options.url) == "postgresql://me:***@db.example:5433/shop?ssl=require"
    assert options.url.url.password == "hush-hush"
    assert "hush-hush" not in repr(config) + repr(options) + config.model_dump_json()


def test_a_password_among_the_options_is_not_shown() -> None:
    """It goes to the driver; whoever shows the address sees how it is encrypted, and nothing else of the options."""
    url = parse_url("postgresql://host/db?user=u&password=hush-hush&sslmode=require")
    assert (str(url), url.url.query["password"]) == ("postgresql://host/db?ssl=require", "hush-hush")
    assert "hush-hush" not in repr(url)


@pytest.mark.parametrize("url", ["mysql://me:hush-hush@here/there", "no url hush-hush", "postgresql+psycopg2://h/d"])
def test_a_url_that_cannot_be_used_is_refused_without_its_secret(url: str) -> None:
    """What is wrong is told, and what may be secret in it is not."""
    with pytest.raises(ValidationError) as caught:
        OrdersServiceConfig(database_url=url)
    assert "hush-hush" not in str(caught.value)
    with pytest.raises(ValueError, match=r"must be a database URL|there are sqlite and postgresql"):
        parse_url(url)


@pytest.mark.parametrize("schema", ["Shop", "a-b", 'x"; DROP', "1st", "a" * 64])
def test_a_schema_that_needs_quoting_is_refused(schema: str) -> None:
    """A schema has a plain name."""
    with pytest.raises(ValidationError, match="database_schema"):
        OrdersServiceConfig(database_schema=schema)


def test_pauses_double_up_to_their_limit() -> None:
    """The pause is a random part of a limit that doubles from attempt to attempt."""
    policy = RetryPolicy(initial_delay=timedelta(milliseconds=20), max_delay=timedelta(milliseconds=100))
    assert [policy.delay(attempt, 1.0) / timedelta(milliseconds=1) for attempt in (1, 2, 3, 4, 5_000)] == [
        20,
        40,
        80,
        100,
        100,
    ]
    assert policy.delay(3, 0.5) == timedelta(milliseconds=40)
    assert all(timedelta(0) <= policy.delay(2) <= timedelta(milliseconds=40) for _ in range(100))
