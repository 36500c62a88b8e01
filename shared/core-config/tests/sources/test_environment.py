from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from maestro_core_config import BaseConfig, ConfigError, ConfigFault, ConfigManager

Faults = Callable[..., dict[str, ConfigFault]]


class Endpoint(BaseModel):
    url: str
    weight: int = 1


class VariedConfig(BaseConfig):
    flag: bool = False
    ratio: float = 1.0
    wait: timedelta = timedelta(seconds=1)
    words: list[str] = ["default"]
    numbers: set[int] = set()
    pair: tuple[int, int] = (0, 0)
    endpoints: list[Endpoint] = []
    by_name: dict[str, Endpoint] = {}
    free: dict[str, Any] = {}
    maybe: int | None = 7
    text: str = "default"
    text_or_words: str | list[str] = ""


def load(tmp_path: Path, **environ: str) -> VariedConfig:
    return ConfigManager(VariedConfig, config_dir=tmp_path, environ=environ).load()


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("flag", "true", True),
        ("flag", "0", False),
        ("ratio", "0.25", 0.25),
        ("wait", "2.5", timedelta(seconds=2.5)),
        ("wait", "PT1M", timedelta(minutes=1)),
        ("words", "a, b,c", ["a", "b", "c"]),
        ("words", "a", ["a"]),
        ("words", '["a,b", "c"]', ["a,b", "c"]),
        ("words", "", []),
        ("numbers", "1,2,2", {1, 2}),
        ("pair", "3,4", (3, 4)),
        ("endpoints", '[{"url": "u"}]', [Endpoint(url="u")]),
        ("by_name", '{"a": {"url": "u", "weight": 2}}', {"a": Endpoint(url="u", weight=2)}),
        ("free", '{"a": [1, {"b": null}]}', {"a": [1, {"b": None}]}),
        ("maybe", "8", 8),
        ("maybe", "", None),
        ("text", "a,b", "a,b"),
        ("text", "{not json", "{not json"),
        ("text", "", ""),
        ("text_or_words", "a,b", "a,b"),
        ("text_or_words", '["a","b"]', ["a", "b"]),
    ],
)
def test_text_becomes_what_the_setting_holds(tmp_path: Path, field: str, text: str, expected: object) -> None:
    """Numbers, durations, lists and mappings are written the way one would guess."""
    assert getattr(load(tmp_path, **{f"VARIED_{field.upper()}": text}), field) == expected


def test_parts_are_set_one_by_one(tmp_path: Path) -> None:
    """Two underscores lead into a mapping and on into the model it holds."""
    config = load(tmp_path, VARIED_BY_NAME__A__URL="u", VARIED_BY_NAME__A__WEIGHT="3", MAESTRO_FREE__X__Y="1")
    assert config.by_name == {"a": Endpoint(url="u", weight=3)}
    assert config.free == {"x": {"y": "1"}}


@pytest.mark.parametrize(
    ("variable", "text", "field", "message"),
    [
        ("SHOP_SERVICE_LIMITS", "{", "limits", "begins like JSON"),
        ("SHOP_SERVICE_LIMITS", "a=1", "limits", "JSON object"),
        ("SHOP_SERVICE_POOL", "5", "pool", "JSON object"),
        ("MAESTRO_PORT", "many", "port", "integer"),
        ("MAESTRO_POOL__SIZE", "many", "pool.size", "integer"),
        ("SHOP_SERVICE_POOL__SISE", "5", "pool.sise", "no such setting"),
        ("SHOP_SERVICE_PORT__X", "5", "port.x", "no such setting"),
        ("SHOP_SERVICE_LOGLEVEL", "INFO", "loglevel", "no such setting"),
    ],
)
def test_a_faulty_variable_is_named(faults: Faults, variable: str, text: str, field: str, message: str) -> None:
    """The variable's name is the source; its text is not shown."""
    (fault,) = faults(**{variable: text}).values()
    assert (fault.field, fault.source) == (field, variable)
    assert message in fault.message


@pytest.mark.parametrize(
    ("variable", "hint"),
    [("SHOP_SERVICE_LOGLEVEL", "SHOP_SERVICE_LOG_LEVEL"), ("SHOP_SERVICE_POOL__SISE", "size")],
)
def test_a_misspelt_variable_gets_a_suggestion(faults: Faults, variable: str, hint: str) -> None:
    """A name that is nearly right would otherwise be passed over in silence."""
    (fault,) = faults(**{variable: "1"}).values()
    assert fault.hint == f"did you mean {hint}?"


def test_foreign_variables_are_left_alone(tmp_path: Path) -> None:
    """Platforms set variables that begin with a service's name, and MAESTRO_ ones belong to every service."""
    load(
        tmp_path,
        VARIED_SERVICE_HOST="10.0.0.1",
        VARIED_PORT_8080_TCP="tcp://10.0.0.1:8080",
        MAESTRO_LOGLEVEL="x",
        MAESTRO_FLAG__OF__OTHERS="x",
        VARIEDFLAG="x",
    )


def test_a_port_set_by_kubernetes_is_explained(faults: Faults) -> None:
    """Kubernetes sets <SERVICE>_PORT to an address, which has cost others hours."""
    (fault,) = faults(SHOP_SERVICE_PORT="tcp://10.0.0.1:8080").values()
    assert "enableServiceLinks" in fault.hint


def test_items_that_are_no_plain_values_need_json(tmp_path: Path) -> None:
    """A list of models cannot be written with commas."""
    with pytest.raises(ConfigError, match="has to be a JSON list"):
        load(tmp_path, VARIED_ENDPOINTS="a,b")
