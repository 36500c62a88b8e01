from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from maestro_core_config import BaseConfig, ConfigError, ConfigFault, ConfigManager

Faults = Callable[..., dict[str, ConfigFault]]


def test_every_fault_is_reported_at_once_with_its_source(folder: Path, faults: Faults) -> None:
    """One start tells everything that is wrong, and where."""
    (folder / "shop-service.yaml").write_text("model_endpont: x\npool:\n  size: many\n")
    (folder / "shared.yaml").write_text("host: 1\n")
    found = faults(
        SHOP_SERVICE_PORT="99999", MAESTRO_JWT_SECRET="short", SHOP_SERVICE_LIMITS="{", MAESTRO_LIMITS__A="x"
    )
    assert {field: fault.source for field, fault in found.items()} == {
        "model_endpont": f"{folder}/shop-service.yaml:1",
        "pool.size": f"{folder}/shop-service.yaml:3",
        "host": f"{folder}/shared.yaml:1",
        "port": "SHOP_SERVICE_PORT",
        "jwt_secret": "MAESTRO_JWT_SECRET",
        "limits": "SHOP_SERVICE_LIMITS",
        "limits.a": "MAESTRO_LIMITS__A",
    }
    assert found["host"].hint == "put it in quotes"


def test_only_the_value_that_counts_is_judged(folder: Path, shop: Callable[..., ConfigManager[BaseConfig]]) -> None:
    """A faulty value that a higher layer replaces does no harm."""
    (folder / "shop-service.yaml").write_text("port: many\n")
    assert shop(SHOP_SERVICE_PORT="80").load().port == 80


def test_a_missing_setting_says_how_to_set_it(tmp_path: Path) -> None:
    """A required setting without a value names its variable and its file."""

    class NeedyConfig(BaseConfig):
        model_endpoint: str

    with pytest.raises(ConfigError) as caught:
        ConfigManager(NeedyConfig, config_dir=tmp_path, environ={}).load()
    (fault,) = caught.value.faults
    assert (fault.field, fault.source, fault.message) == ("model_endpoint", "nowhere", "is required and not set")
    assert fault.hint == f"set NEEDY_MODEL_ENDPOINT, or model_endpoint in {tmp_path}/needy.yaml"
    assert caught.value.service == "needy"


def test_a_missing_part_is_told_where_the_rest_stands(tmp_path: Path) -> None:
    """A nested setting that is begun and not finished names the place where it begins."""

    class Pool(BaseModel):
        size: int
        host: str

    class PooledConfig(BaseConfig):
        pool: Pool | None = None

    (tmp_path / "pooled.yaml").write_text("port: 1\npool:\n  size: 2\n")
    with pytest.raises(ConfigError) as caught:
        ConfigManager(PooledConfig, config_dir=tmp_path, environ={}).load()
    (fault,) = caught.value.faults
    assert (fault.field, fault.source) == ("pool.host", f"{tmp_path}/pooled.yaml:2")
    assert "POOLED_POOL__HOST" in fault.hint


class Basic(BaseModel):
    kind: Literal["basic"]
    pin: SecretStr


class Bearer(BaseModel):
    kind: Literal["bearer"]
    size: int


class UnionConfig(BaseConfig):
    plain: int | bool = 1
    tagged: Annotated[Basic | Bearer, Field(discriminator="kind")] | None = None
    items: list[int] = []


@pytest.mark.parametrize(
    ("text", "field", "line"),
    [
        ("\nplain: x\n", "plain", 2),
        ("tagged:\n  kind: bearer\n  size: x\n", "tagged.size", 3),
        ("tagged:\n  kind: baisc\n  size: 1\n", "tagged", 1),
        ("items:\n- 1\n- x\n", "items.1", 3),
    ],
)
def test_faults_inside_unions_and_lists_name_the_setting(tmp_path: Path, text: str, field: str, line: int) -> None:
    """The branches of a union are validation's business; people see the setting's name, once."""
    (tmp_path / "union.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        ConfigManager(UnionConfig, config_dir=tmp_path, environ={}).load()
    (fault,) = caught.value.faults
    assert (fault.field, fault.source) == (field, f"{tmp_path}/union.yaml:{line}")


class StrictConfig(BaseConfig):
    token: SecretStr = SecretStr("")
    low: int = 0
    high: int = 9

    @field_validator("token")
    @classmethod
    def _talkative(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            raise ValueError(f"{value.get_secret_value()} is not welcome")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> StrictConfig:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self


def test_settings_that_do_not_fit_together_are_a_fault(tmp_path: Path) -> None:
    """A rule over several settings is told in its own words."""
    with pytest.raises(ConfigError) as caught:
        ConfigManager(StrictConfig, config_dir=tmp_path, environ={"STRICT_LOW": "10"}).load()
    assert str(caught.value).endswith("- the settings together: low must not be above high")


def test_a_validator_that_repeats_a_secret_is_silenced(tmp_path: Path) -> None:
    """Messages of validators are shown without the value, in the error and in what it came from."""
    with pytest.raises(ConfigError) as caught:
        ConfigManager(StrictConfig, config_dir=tmp_path, environ={"STRICT_TOKEN": "hunter2"}).load()
    assert caught.value.faults[0].message == "… is not welcome"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None, "tools that walk from one exception to the next find nothing"


def test_a_nearly_right_variable_does_not_hide_other_faults(faults: Faults) -> None:
    """All faults of all sources stand side by side."""
    assert set(faults(SHOP_SERVICE_LOGLEVEL="x", MAESTRO_PORT="x")) == {"loglevel", "port"}
