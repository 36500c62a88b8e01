from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AliasChoices, BaseModel, Field, JsonValue, RootModel, SecretStr

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


class Basic(BaseModel):
    kind: Literal["basic"]
    user: str = "nobody"


class Bearer(BaseModel):
    kind: Literal["bearer"] = "bearer"
    tokens: list[SecretStr] = []
    wait: timedelta = timedelta(seconds=1)


@dataclass
class Place:
    zone: str = "a"
    weight: int = 1


class Words(RootModel[list[str]]):
    pass


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Deep(BaseModel):
    routes: dict[str, list[Endpoint]] = {}
    rate: float | None = None
    serverName: str = ""  # noqa: N815 - as others write it


class Node(BaseModel):
    name: str = ""
    children: list[Node] = []


class UnionsConfig(BaseConfig):
    auth: Annotated[Basic | Bearer, Field(discriminator="kind")] | None = None
    plain: Basic | Bearer | None = None
    either: int | str = 0
    size: Literal[1, 2, "auto"] = 1
    flag_or_text: Literal[True, "maybe"] = True
    level: Level = Level.LOW
    levels: list[Level] = []
    place: Place = Place()
    words: Words = Words(["default"])
    deep: Deep = Deep()
    tree: Node = Node()
    anything: JsonValue = None
    zone: int = Field(default=0, validation_alias=AliasChoices("availabilityZone", "az"))
    pairs: list[tuple[int, int]] = []


def loaded(tmp_path: Path, **environ: str) -> UnionsConfig:
    return ConfigManager(UnionsConfig, config_dir=tmp_path, environ=environ).load()


@pytest.mark.parametrize(
    ("environ", "field", "expected"),
    [
        ({"AUTH": '{"kind": "basic", "user": "u"}'}, "auth", Basic(kind="basic", user="u")),
        ({"AUTH__KIND": "basic", "AUTH__USER": "u"}, "auth", Basic(kind="basic", user="u")),
        ({"AUTH__KIND": "bearer", "AUTH__WAIT": "2.5"}, "auth", Bearer(wait=timedelta(seconds=2.5))),
        ({"AUTH__KIND": "bearer", "AUTH__TOKENS": "a,b"}, "auth", Bearer(tokens=[SecretStr("a"), SecretStr("b")])),
        ({"PLAIN__KIND": "basic"}, "plain", Basic(kind="basic")),
        ({"AUTH": ""}, "auth", None),
        ({"EITHER": "5"}, "either", "5"),
        ({"SIZE": "2"}, "size", 2),
        ({"SIZE": "auto"}, "size", "auto"),
        ({"FLAG_OR_TEXT": "true"}, "flag_or_text", True),
        ({"LEVEL": "2"}, "level", Level.HIGH),
        ({"LEVELS": "1,2"}, "levels", [Level.LOW, Level.HIGH]),
        ({"PLACE__WEIGHT": "3"}, "place", Place("a", 3)),
        ({"PLACE": '{"zone": "b"}'}, "place", Place("b", 1)),
        ({"WORDS": "a,b"}, "words", Words(["a", "b"])),
        ({"DEEP__ROUTES__A__0__URL": "u"}, "deep", Deep(routes={"a": [Endpoint(url="u")]})),
        ({"DEEP__SERVERNAME": "s", "DEEP__RATE": ""}, "deep", Deep(serverName="s")),
        ({"TREE__CHILDREN__0__CHILDREN__0__NAME": "n"}, "tree", Node(children=[Node(children=[Node(name="n")])])),
        ({"ANYTHING": '{"a": [1]}'}, "anything", {"a": [1]}),
        ({"ANYTHING__A__B": "1"}, "anything", {"a": {"b": "1"}}),
        ({"ZONE": "3"}, "zone", 3),
        ({"AVAILABILITYZONE": "3"}, "zone", 3),
        ({"AZ": "3"}, "zone", 3),
        ({"PAIRS__0": "1,2", "PAIRS__1": "[3, 4]"}, "pairs", [(1, 2), (3, 4)]),
        ({"PAIRS": "[[1, 2], [3, 4]]", "PAIRS__1__0": "9"}, "pairs", [(1, 2), (9, 4)]),
    ],
)
def test_unions_lists_and_deep_parts_come_from_variables(
    tmp_path: Path, environ: dict[str, str], field: str, expected: object
) -> None:
    """Tagged and plain unions, literals and enumerations of numbers, dataclasses, root models, aliases, items by position."""
    config = loaded(tmp_path, **{f"UNIONS_{name}": text for name, text in environ.items()})
    assert getattr(config, field) == expected
    assert config == loaded(tmp_path, **{f"MAESTRO_{name}": text for name, text in environ.items()})


def test_a_list_by_position_replaces_the_lower_list(tmp_path: Path) -> None:
    """Items of two sources are not mixed, so that a list can be made shorter."""
    (tmp_path / "varied.yaml").write_text("endpoints: [{url: a, weight: 5}, {url: b}]\n")
    assert load(tmp_path, VARIED_ENDPOINTS__0__URL="c").endpoints == [Endpoint(url="c")]


@pytest.mark.parametrize(
    ("environ", "source", "message"),
    [
        ({"VARIED_ENDPOINTS__1__URL": "u"}, "VARIED_ENDPOINTS__1__URL", "has no item 0"),
        ({"VARIED_ENDPOINTS__0__ULR": "u"}, "VARIED_ENDPOINTS__0__ULR", "there is no such setting"),
        ({"VARIED_ENDPOINTS__X__URL": "u"}, "VARIED_ENDPOINTS__X__URL", "there is no such setting"),
        ({"VARIED_BY_NAME": '{"a": {"url": "u", "wieght": 1}}'}, "VARIED_BY_NAME", "there is no such setting"),
        ({"MAESTRO_ENDPOINTS": '[{"ulr": "u"}]'}, "MAESTRO_ENDPOINTS", "there is no such setting"),
    ],
)
def test_a_part_that_there_is_not_is_a_fault(
    tmp_path: Path, environ: dict[str, str], source: str, message: str
) -> None:
    """A gap in a list, and a misspelt part, also inside JSON."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **environ)
    (fault, *_others) = caught.value.faults
    assert (fault.source, fault.message) == (source, message)


@pytest.mark.parametrize("by_part", [True, False])
def test_a_part_of_a_union_goes_into_what_lower_sources_mean(tmp_path: Path, by_part: bool) -> None:
    """A variable may change one part of a tagged union; one that names another kind begins anew."""
    (tmp_path / "unions.yaml").write_text("auth: {kind: bearer, wait: 7, tokens: [a]}\n")
    environ = {"UNIONS_AUTH__WAIT": "3"} if by_part else {"UNIONS_AUTH": '{"wait": 3}'}
    assert loaded(tmp_path, **environ).auth == Bearer(wait=timedelta(seconds=3), tokens=[SecretStr("a")])
    environ = {"UNIONS_AUTH__KIND": "basic"} if by_part else {"UNIONS_AUTH": '{"kind": "basic"}'}
    assert loaded(tmp_path, **environ).auth == Basic(kind="basic")


def test_an_alias_in_one_source_and_the_name_in_another_are_one_setting(tmp_path: Path) -> None:
    """Otherwise both would be there, and the lower one might win."""

    class Inner(BaseModel):
        model_config = {"validate_by_name": True, "extra": "forbid"}
        zone: int = Field(default=0, alias="availabilityZone")

    class NamedConfig(BaseConfig):
        inner: Inner = Inner()

    (tmp_path / "shared.yaml").write_text("inner: {availabilityZone: 1}\n")
    (tmp_path / "named.toml").write_text("[inner]\nzone = 2\n")
    manager = ConfigManager(NamedConfig, config_dir=tmp_path, environ={})
    assert manager.load().inner.zone == 2
    (entry,) = [entry for entry in manager.explain() if entry.name == "inner.zone"]
    assert (entry.source, entry.overridden[0]) == (f"{tmp_path}/named.toml:2", (f"{tmp_path}/shared.yaml:1", 1))
    assert ConfigManager(NamedConfig, config_dir=tmp_path, environ={"NAMED_INNER__ZONE": "3"}).load().inner.zone == 3
