from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from maestro_core_config import BaseConfig, ConfigError, ConfigManager, FieldExplanation

SECRET = "a-secret-that-is-long-enough-for-hs256"
MASK = "**********"


def by_name(manager: ConfigManager[Any]) -> dict[str, FieldExplanation]:
    return {entry.name: entry for entry in manager.explain()}


def test_each_value_names_its_source_and_what_it_won_over(
    folder: Path, shop: Callable[..., ConfigManager[Any]]
) -> None:
    """The whole ladder of a value is seen, highest first."""
    (folder / "shop-service.yaml").write_text("\nport: 2\n")
    (folder / "shared.toml").write_text("port = 1\n")
    entry = by_name(shop(SHOP_SERVICE_PORT="4", MAESTRO_PORT="3"))["port"]
    assert (entry.value, entry.source) == (4, "SHOP_SERVICE_PORT")
    assert entry.overridden == (
        ("MAESTRO_PORT", "3"),
        (f"{folder}/shop-service.yaml:2", 2),
        (f"{folder}/shared.toml:1", 1),
        ("default", 0),
    )


def test_parts_of_nested_settings_are_explained_one_by_one(
    folder: Path, shop: Callable[..., ConfigManager[Any]]
) -> None:
    """Each part may come from elsewhere."""
    (folder / "shop-service.yaml").write_text("pool:\n  password: p\nlimits:\n  a: 1\n")
    entries = by_name(shop(SHOP_SERVICE_POOL__SIZE="9", MAESTRO_LIMITS='{"b": 2}'))
    assert (entries["pool.size"].value, entries["pool.size"].source) == (9, "SHOP_SERVICE_POOL__SIZE")
    assert (entries["pool.password"].value, entries["pool.password"].source) == (MASK, f"{folder}/shop-service.yaml:2")
    assert (entries["limits.a"].source, entries["limits.b"].source) == (
        f"{folder}/shop-service.yaml:4",
        "MAESTRO_LIMITS",
    )


def test_values_are_plain_json(shop: Callable[..., ConfigManager[Any]]) -> None:
    """A command can print them without knowing the classes."""
    entries = by_name(shop())
    assert entries["data_dir"].value == ".maestro/data"
    assert [entry.source for entry in entries.values()] == ["default"] * len(entries)


@dataclass
class Login:
    user: str
    pin: SecretStr


class Key(BaseModel):
    material: SecretStr


class SecretiveConfig(BaseConfig):
    login: Login | None = None
    keys: list[Key] = []
    either: Key | Login | None = None
    named: dict[str, SecretStr] = {}
    api_tokens: dict[str, str] = {}
    password: str = ""
    database_url: str = ""
    max_tokens: int = 100


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    """Not in repr, explanations, dumps or errors; not nested, not in a value that lost, not inside a URL."""
    (tmp_path / "shared.yaml").write_text(
        "login: {user: u, pin: hunter01}\nkeys: [{material: hunter02}]\neither: {material: hunter03}\n"
        "named: {a: hunter04}\napi_tokens: {b: hunter05}\npassword: hunter06\n"
        "database_url: postgresql://me:hunter07@db/x\njwt_secret: hunter08\n"
    )
    environ = {
        "SECRETIVE_LOGIN": '{"user": "u", "pin": "hunter11"}',
        "SECRETIVE_KEYS": '[{"material": "hunter12"}]',
        "SECRETIVE_EITHER": '{"user": "u", "pin": "hunter13"}',
        "SECRETIVE_NAMED__A": "hunter14",
        "SECRETIVE_API_TOKENS__B": "hunter15",
        "SECRETIVE_PASSWORD": "hunter16",
        "SECRETIVE_DATABASE_URL": "postgresql://me:hunter17@db/x",
        "SECRETIVE_JWT_SECRET": SECRET,
    }
    manager = ConfigManager(SecretiveConfig, config_dir=tmp_path, environ=environ)
    entries = by_name(manager)
    assert "hunter" not in repr(entries)
    assert SECRET not in repr(entries)
    assert len(entries["password"].overridden) == 2
    assert entries["database_url"].value == f"postgresql://{MASK}@db/x"
    assert entries["max_tokens"].value == 100
    typed = repr(manager.load().jwt_secret) + manager.load().model_dump_json(include={"jwt_secret", "login", "keys"})
    assert SECRET not in typed
    assert "hunter" not in typed
    broken = {name: value[:-2] for name, value in environ.items()} | {"SECRETIVE_JWT_SECRET": "hunter18"}
    with pytest.raises(ConfigError) as caught:
        ConfigManager(SecretiveConfig, config_dir=tmp_path, environ=broken).load()
    assert "hunter" not in str(caught.value) + repr(caught.value)


def test_a_missing_secret_is_seen_to_be_missing(shop: Callable[..., ConfigManager[Any]]) -> None:
    """No secret and a masked secret do not look alike."""
    entries = by_name(shop())
    assert entries["jwt_secret"].value is None
    assert entries["pool.password"].value == ""


def test_what_cannot_be_loaded_cannot_be_explained(shop: Callable[..., ConfigManager[Any]]) -> None:
    """The error of loading tells more than a half explanation could."""
    with pytest.raises(ConfigError):
        shop(SHOP_SERVICE_PORT="x").explain()
