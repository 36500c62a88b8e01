from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, SecretStr

from maestro_core_config import BaseConfig, ConfigError, ConfigFault, ConfigManager, SecretStrength

GOOD = "4fK2vQ9xTzW8mB3nR7yL-4fK2vQ9xTzW8"
OTHER = "Zp7wJ1cHq5tY0uGdEaSo-b6iN3xVkR9f"
HINT = "`openssl rand -hex 32` makes one"


class Store(BaseModel):
    password: SecretStr = SecretStr("postgres-default-9vX")
    url: str = ""


class BankConfig(BaseConfig):
    store: Store = Store()
    replicas: list[Store] = []
    api_key: str = ""
    pin: Annotated[SecretStr | None, SecretStrength(min_length=4, min_bits=0)] = None
    shared_key: Annotated[SecretStr | None, SecretStrength(may_repeat=True)] = None
    max_tokens: int = 5


def manager(folder: Path, **environ: str) -> ConfigManager[BankConfig]:
    return ConfigManager(BankConfig, config_dir=folder, environ=environ)


def refused(folder: Path, **environ: str) -> dict[str, ConfigFault]:
    with pytest.raises(ConfigError) as caught:
        manager(folder, MAESTRO_ENVIRONMENT="production", **environ).load()
    for name, text in environ.items():
        assert len(text) < 5 or name.endswith(("_FILE", "_ENVIRONMENT")) or text not in str(caught.value)
    return {fault.field: fault for fault in caught.value.faults}


def test_production_refuses_a_secret_that_is_the_default(tmp_path: Path) -> None:
    """Whether nothing gives another one, or somebody gives the same once more."""
    fault = refused(tmp_path)["store.password"]
    assert (fault.source, fault.hint) == ("default", HINT)
    assert (
        fault.message == "is the default of the class, which everybody knows who has the program; production refuses it"
    )
    again = refused(tmp_path, BANK_STORE__PASSWORD="postgres-default-9vX")["store.password"]
    assert again.source == "BANK_STORE__PASSWORD"
    assert again.message == fault.message
    assert manager(tmp_path).load().store.password.get_secret_value() == "postgres-default-9vX", "development takes it"


def test_production_takes_good_secrets(tmp_path: Path) -> None:
    """And what is not set, or no secret at all."""
    config = manager(tmp_path, BANK_ENVIRONMENT="production", BANK_STORE__PASSWORD=GOOD, BANK_MAX_TOKENS="7").load()
    assert (config.environment, config.jwt_secret, config.max_tokens) == ("production", None, 7)


def test_every_weak_secret_is_told_with_its_source(tmp_path: Path) -> None:
    """Typed or only named like one, nested, in lists, in URLs, from files: all at once, beside other faults."""
    (tmp_path / "secret").write_text("change-me-please-change-me-now-12")
    (tmp_path / "bank.yaml").write_text(
        "replicas:\n- password: hunter2\n- password: 9vXmQ2kLw8RtZp5bHd\n  url: postgresql://me:secret@db/bank\n"
    )
    found = refused(
        tmp_path,
        MAESTRO_JWT_SECRET_FILE=str(tmp_path / "secret"),
        BANK_API_KEY="aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        BANK_STORE__PASSWORD="${STORE_PASSWORD}",
        BANK_PORT="many",
    )
    said = {field: (fault.source, fault.message.partition(";")[0]) for field, fault in found.items()}
    assert said == {
        "port": ("BANK_PORT", "should be a valid integer, unable to parse string as an integer"),
        "jwt_secret": (
            f"MAESTRO_JWT_SECRET_FILE ({tmp_path}/secret)",
            "is easy to guess: it is made of well-known words",
        ),
        "api_key": ("BANK_API_KEY", "is easy to guess: it repeats itself or follows a pattern"),
        "store.password": ("BANK_STORE__PASSWORD", "is a placeholder that nothing has filled in"),
        "replicas.0.password": (f"{tmp_path}/bank.yaml:2", "is too short: it has 7 characters, and needs 16"),
        "replicas.1.url": (f"{tmp_path}/bank.yaml:4", "is too short: it has 6 characters, and needs 16"),
    }


def test_one_secret_in_two_places_is_refused(tmp_path: Path) -> None:
    """What leaks in one place would open the other; a setting may say that this is meant."""
    found = refused(tmp_path, MAESTRO_JWT_SECRET=GOOD, BANK_STORE__PASSWORD=GOOD, BANK_SHARED_KEY=GOOD)
    assert {field: fault.message for field, fault in found.items()} == {
        "store.password": "is the same secret as jwt_secret; production refuses it"
    }
    urls = json.dumps([{"password": OTHER, "url": f"postgresql://me:{GOOD}@a/b"}])
    manager(tmp_path, MAESTRO_ENVIRONMENT="production", BANK_STORE__PASSWORD=GOOD, BANK_REPLICAS=urls).load()


def test_a_setting_may_have_a_rule_of_its_own(tmp_path: Path) -> None:
    """A pin is short, and that is all right."""
    environ = {"BANK_ENVIRONMENT": "production", "BANK_STORE__PASSWORD": GOOD}
    assert manager(tmp_path, **environ, BANK_PIN="7391").load().pin is not None
    assert set(refused(tmp_path, **environ, BANK_PIN="739")) == {"pin"}


@pytest.mark.parametrize("profile", ["development", "test"])
def test_other_profiles_take_weak_secrets(tmp_path: Path, profile: str) -> None:
    """Whoever develops need not make keys."""
    assert manager(tmp_path, BANK_ENVIRONMENT=profile, BANK_API_KEY="x").load().api_key == "x"


def test_a_class_that_is_meant_for_production_is_checked_as_such(tmp_path: Path) -> None:
    """The profile counts wherever it comes from, the class's default included."""

    class VaultConfig(BaseConfig):
        environment: Any = "production"
        key: SecretStr = SecretStr("k")

    with pytest.raises(ConfigError, match="default of the class"):
        ConfigManager(VaultConfig, config_dir=tmp_path, environ={}).load()


def test_a_profile_has_files_of_its_own(tmp_path: Path) -> None:
    """The service's own are over all shared ones, and of each the profile's is over the other."""
    for name, port in (("shared", 1), ("shared.test", 2), ("bank", 3), ("bank.test", 4)):
        (tmp_path / f"{name}.yaml").write_text(f"port: {port}\nhost: h{port}\n")
    (tmp_path / "bank.production.yaml").write_text("port: 9\nno_such_setting: 1\n")
    (entry,) = [entry for entry in manager(tmp_path, BANK_ENVIRONMENT="test").explain() if entry.name == "port"]
    assert (entry.value, [value for _, value in entry.overridden]) == (4, [3, 2, 1, 0])
    assert manager(tmp_path).load().port == 3


@pytest.mark.parametrize("how", ["variable", "own file", "shared file", "dotenv", "capitals"])
def test_the_profile_may_come_from_any_other_source(tmp_path: Path, how: str) -> None:
    """It is looked up before the files of the profile are read."""
    (tmp_path / "bank.test.yaml").write_text("port: 4\n")
    environ = {"variable": {"MAESTRO_ENVIRONMENT": "test"}, "capitals": {"MAESTRO_ENVIRONMENT": "TEST"}}.get(how, {})
    name = {"own file": "bank.yaml", "shared file": "shared.json", "dotenv": ".env"}.get(how)
    if name is not None:
        text = {"own file": "environment: test\n", "shared file": '{"environment": "test"}'}.get(
            how, "BANK_ENVIRONMENT=test\n"
        )
        (tmp_path / name).write_text(text)
    env_file = tmp_path / ".env" if how == "dotenv" else None
    config = ConfigManager(BankConfig, config_dir=tmp_path, environ=environ, env_file=env_file).load()
    assert (config.environment, config.port) == ("test", 4)


def test_a_profile_s_file_cannot_name_the_profile(tmp_path: Path) -> None:
    """Otherwise which files are read would depend on what they say."""
    (tmp_path / "bank.development.yaml").write_text("port: 1\nenvironment: test\n")
    with pytest.raises(ConfigError, match=r"environment: cannot be set in a file of one environment .*yaml:2"):
        manager(tmp_path).load()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("bank.prod.yaml", "call it bank.production.yaml"),
        ("bank.dev.toml", "call it bank.development.toml"),
        ("bank.tests.json", "call it bank.test.json"),
    ],
)
def test_a_file_for_a_profile_that_there_is_not_is_a_fault(tmp_path: Path, name: str, hint: str) -> None:
    """It would never be read."""
    (tmp_path / name).write_text("{}")
    with pytest.raises(ConfigError) as caught:
        manager(tmp_path).load()
    assert caught.value.faults[0].hint == hint


def test_a_file_under_nearly_the_service_s_name_is_a_fault(tmp_path: Path) -> None:
    """An underscore for a dash is easily written."""

    class ShopFrontConfig(BaseConfig):
        pass

    (tmp_path / "shop_front.yaml").write_text("port: 1\n")
    with pytest.raises(ConfigError, match=r"shop_front\.yaml: is not read.*call it shop-front\.yaml"):
        ConfigManager(ShopFrontConfig, config_dir=tmp_path, environ={}).load()


@pytest.mark.parametrize("name", ["bank.example.yaml", "bank.yaml.bak", "README.md", "other.prod.yaml", "bank.md"])
def test_other_files_are_left_alone(tmp_path: Path, name: str) -> None:
    """Examples, backups, documents, and files of other services."""
    (tmp_path / name).write_text("port: 1\n")
    assert manager(tmp_path).load().port == 0
