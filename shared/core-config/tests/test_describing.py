"""The JSON Schema and the reference say what loading does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr
from typing_extensions import TypedDict

from maestro_core_config import BaseConfig, ConfigError, ConfigManager, Live, SettingReference, Unit


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Node(BaseModel):
    """A server."""

    url: str
    """Where it is."""
    weight: int = Field(default=1, ge=1, le=10)
    children: list[Node] = []


class Basic(BaseModel):
    kind: Literal["basic"]
    password: str = "from-the-class"


class Bearer(BaseModel):
    kind: Literal["bearer"]
    size: int = 1


@dataclass
class Place:
    zone: str
    rooms: list[str] = field(default_factory=list)


class Extra(TypedDict):
    note: str


class ToolConfig(BaseConfig):
    """Mends things."""

    name: str
    """What it is called,
    in a few words."""
    page_size: Live[Annotated[int, Field(gt=0, multiple_of=5)]] = 50
    budget: Annotated[int, Unit("tokens")] = 4096
    wait: timedelta = timedelta(seconds=90)
    cache_ttl_s: float = 2.5
    max_body_bytes: int | None = None
    colour: Colour = Colour.RED
    code: str = Field(default="a|b", pattern="^[a-z|]+$", max_length=9)
    nodes: list[Node] = []
    by_name: Live[dict[str, Node]] = {}
    auth: Annotated[Basic | Bearer, Field(discriminator="kind")] | None = None
    place: Place = Place("a")
    extra: Extra = {"note": "n"}
    key: SecretStr = SecretStr("hunter2")
    zone: int = Field(default=0, alias="availabilityZone")
    pair: tuple[int, int] = (1, 2)
    anything: Any = None


MANAGER = ConfigManager(ToolConfig, environ={})
SETTINGS = {setting.name: setting for setting in MANAGER.reference().settings}


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("name", {"type": "text", "is_required": True, "description": "What it is called, in a few words."}),
        ("page_size", {"is_live": True, "limits": ("more than 0", "a multiple of 5"), "default": 50}),
        ("budget", {"unit": "tokens", "variable": "TOOL_BUDGET", "shared_variable": "MAESTRO_BUDGET"}),
        ("wait", {"type": "duration", "unit": "seconds", "default": "PT1M30S"}),
        ("cache_ttl_s", {"unit": "seconds", "type": "number"}),
        ("max_body_bytes", {"unit": "bytes", "type": "whole number or none", "default": None, "is_required": False}),
        ("colour", {"choices": ("red", "blue"), "type": "one of `red`, `blue`", "default": "red"}),
        ("code", {"limits": ("of at most 9", "matching ^[a-z|]+$")}),
        ("nodes", {"type": "list of Node", "default": []}),
        ("nodes[].url", {"variable": "TOOL_NODES__0__URL", "is_required": True, "description": "Where it is."}),
        ("nodes[].weight", {"limits": ("at least 1", "at most 10"), "default": 1}),
        ("by_name.<name>.url", {"variable": "TOOL_BY_NAME__NAME__URL", "is_live": True}),
        ("auth", {"type": "Basic or Bearer or none"}),
        ("auth.password", {"is_secret": True, "default": "**********"}),
        ("auth.size", {"default": 1}),
        ("place.zone", {"default": "a", "variable": "TOOL_PLACE__ZONE"}),
        ("place.rooms", {"type": "list of text", "default": [], "is_required": False}),
        ("extra.note", {"default": "n"}),
        ("key", {"type": "secret", "is_secret": True, "default": "**********"}),
        ("zone", {"aliases": ("availabilityZone",)}),
        ("pair", {"type": "list of whole number", "default": [1, 2]}),
        ("anything", {"type": "anything"}),
        ("log_level", {"is_of_every_service": True, "is_live": True}),
    ],
)
def test_the_reference_describes_a_setting(name: str, facts: dict[str, object]) -> None:
    """Names, types, units, limits, choices, defaults, meanings, of parts as of the whole."""
    setting = SETTINGS[name]
    assert {fact: getattr(setting, fact) for fact in facts} == facts


def test_the_reference_is_complete_and_ends() -> None:
    """Each field is there, the service's own first, and a class that holds itself is told once."""
    reference = MANAGER.reference()
    names = [setting.name for setting in reference.settings if "." not in setting.name and "[" not in setting.name]
    assert set(names) == set(ToolConfig.model_fields)
    assert names[0] == "name"
    assert (reference.service, reference.description) == ("tool", "Mends things.")
    assert "nodes[].children[].url" not in SETTINGS
    assert all(isinstance(setting, SettingReference) for setting in reference.settings)


def test_the_variables_of_the_reference_work(tmp_path: Path) -> None:
    """What the page says is what is read."""
    environ = {
        SETTINGS["name"].variable: "n",
        SETTINGS["budget"].shared_variable: "7",
        SETTINGS["nodes[].url"].variable: "u",
        SETTINGS["by_name.<name>.url"].variable: "v",
        SETTINGS["place.zone"].variable: "z",
    }
    config = ConfigManager(ToolConfig, config_dir=tmp_path, environ=environ).load()
    assert (config.name, config.budget, config.nodes[0].url, config.place.zone) == ("n", 7, "u", "z")
    assert config.by_name["name"].url == "v"


def test_the_page_is_a_table_that_holds_together() -> None:
    """A bar in a default does not break a row."""
    page = MANAGER.reference().markdown()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == len(MANAGER.reference().settings)
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}
    assert "| `name`<br>`TOOL_NAME` | text | **required** | What it is called, in a few words. |" in rows
    assert "Also called `availabilityZone`." in page
    assert "hunter2" not in page


VALIDATOR = jsonschema.Draft202012Validator(MANAGER.json_schema())


def test_the_schema_is_one() -> None:
    """It obeys the dialect that it names, and every reference in it leads somewhere."""
    schema = MANAGER.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "Configuration of tool"
    assert schema["properties"]["wait"]["x-unit"] == "seconds"
    assert schema["properties"]["page_size"]["x-live"] is True
    assert schema["properties"]["key"]["writeOnly"] is True
    assert "hunter2" not in json.dumps(schema)
    assert "from-the-class" not in json.dumps(schema)


DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"$schema": "tool.schema.json"},
    {"page_size": 55, "wait": 2.5},
    {"wait": "PT1M"},
    {"nodes": [{"url": "u", "children": [{"url": "v"}]}]},
    {"auth": {"kind": "basic", "password": "p"}},
    {"availabilityZone": 3},
    {"place": {"zone": "z"}, "extra": {"note": "x"}},
    {"by_name": {"a": {"url": "u"}}},
    {"nmae": "x"},
    {"nodes": [{"ulr": "u"}]},
    {"by_name": {"a": {"url": "u", "x": 1}}},
    {"page_size": 4},
    {"page_size": -5},
    {"colour": "green"},
    {"auth": {"kind": "other"}},
    {"nodes": {"url": "u"}},
    {"place": {"zoom": 1}},
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=json.dumps)
def test_the_schema_and_loading_agree(tmp_path: Path, document: dict[str, Any]) -> None:
    """An editor that knows the schema marks what loading would refuse, and nothing else."""
    assert VALIDATOR.is_valid(document) == loads(tmp_path, document)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-60, 60), st.sampled_from(["u", "basic", "red", "x"])),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["url", "weight", "kind", "zone", "a", "children"]), inner, max_size=3)
    ),
    max_leaves=6,
)
documents = st.dictionaries(
    st.sampled_from(["page_size", "nodes", "by_name", "auth", "place", "max_body_bytes"]), values
)


@settings(deadline=None)
@given(document=documents)
def test_what_the_schema_refuses_loading_refuses_too(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    """But for what pydantic reads a value as: a truth value or a text as a number."""
    if not VALIDATOR.is_valid(document) and loads(tmp_path_factory.mktemp("config"), document):
        reasons = list(VALIDATOR.iter_errors(document))
        assert "true" in json.dumps(document) or "false" in json.dumps(document), reasons


def loads(folder: Path, document: dict[str, Any]) -> bool:
    (folder / "tool.json").write_text(json.dumps(document))
    try:
        ConfigManager(ToolConfig, config_dir=folder, environ={"TOOL_NAME": "n"}).load()
    except ConfigError:
        return False
    return True
