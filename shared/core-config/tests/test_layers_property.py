"""Any mix of layers, nestings and spellings gives what a simple model of precedence says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from maestro_core_config import BaseConfig, ConfigManager

Where = tuple[str, ...]


class Leaf(BaseModel):
    left: int = 0
    right: int = 0
    names: list[str] = ["leaf"]


class Branch(BaseModel):
    leaf: Leaf = Leaf(left=-1)
    depth: int = 0
    maybe: Leaf | None = None


class Basic(BaseModel):
    kind: Literal["basic"]
    user: str = "nobody"


class Token(BaseModel):
    kind: Literal["token"]
    size: int = 1


class GroveConfig(BaseConfig):
    branch: Branch = Branch(depth=-3)
    flat: int = -4
    words: list[str] = ["default"]
    limits: dict[str, int] = {"a": -5}
    auth: Annotated[Basic | Token, Field(discriminator="kind")] = Basic(kind="basic", user="default")


DEFAULTS: dict[Where, Any] = {
    ("branch", "depth"): -3,
    ("branch", "leaf", "left"): -1,
    ("branch", "leaf", "right"): 0,
    ("branch", "leaf", "names"): ["leaf"],
    ("branch", "maybe"): None,
    ("flat",): -4,
    ("words",): ["default"],
    ("limits", "a"): -5,
    ("auth", "kind"): "basic",
    ("auth", "user"): "default",
}
MADE_ANEW = {"left": 0, "names": ["leaf"], "user": "nobody", "size": 1}
MAYBE = ("branch", "maybe")
numbers = st.integers(-99, 99)
word = st.text("abcäß-_ '\"#$\\", min_size=1, max_size=5).map(str.strip).filter(bool)
words = st.lists(word, max_size=3)
VALUES: dict[Where, st.SearchStrategy[Any]] = {
    ("branch", "depth"): numbers,
    ("branch", "leaf", "left"): numbers,
    ("branch", "leaf", "right"): numbers,
    ("branch", "leaf", "names"): words,
    (*MAYBE, "left"): numbers,
    (*MAYBE, "names"): words,
    MAYBE: st.none(),
    ("flat",): numbers,
    ("words",): words,
    ("limits", "a"): numbers,
    ("limits", "b"): numbers,
    ("auth", "kind"): st.sampled_from(["basic", "token"]),
    ("auth", "user"): word,
    ("auth", "size"): numbers,
}


@dataclass(frozen=True)
class Given:
    """What one layer gives, and how it is written."""

    values: Mapping[Where, Any]
    spelling: str


@st.composite
def layers(draw: st.DrawFn, *spellings: str) -> Given:
    paths = draw(st.sets(st.sampled_from(sorted(VALUES)), max_size=6))
    if MAYBE in paths:  # none, or parts: not both in one source
        paths -= {(*MAYBE, "left"), (*MAYBE, "names")}
    return Given({path: draw(VALUES[path]) for path in sorted(paths)}, draw(st.sampled_from(spellings)))


variables = layers("by part", "as JSON", "by position")
files = layers("yaml", "yml", "json", "toml")


def together(stack: Sequence[Mapping[Where, Any]]) -> dict[Where, Any]:
    """The simple model: from the lowest layer to the highest, each value takes the place of what stands where it does."""
    result: dict[Where, Any] = {}
    for values in reversed(stack):
        if values.get(("auth", "kind"), result.get(("auth", "kind"))) != result.get(("auth", "kind")):
            result = {path: value for path, value in result.items() if path[0] != "auth"}  # begun anew
        for path, value in values.items():
            related = {other for other in result if other[: len(path)] == path or path[: len(other)] == other}
            result = {other: kept for other, kept in result.items() if other not in related} | {path: value}
    return result


def tree(values: Mapping[Where, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for path, value in values.items():
        target = result
        for part in path[:-1]:
            target = target.setdefault(part, {})
        target[path[-1]] = value
    return result


def as_variables(layer: Given, prefix: str) -> dict[str, str]:
    if layer.spelling == "as JSON":
        return {
            f"{prefix}{name.upper()}": json.dumps(value) if isinstance(value, (dict, list)) else str(value)
            for name, value in tree(layer.values).items()
        }
    found = {}
    for path, value in layer.values.items():
        name = prefix + "__".join(path).upper()
        if isinstance(value, list) and value and layer.spelling == "by position":
            found |= {f"{name}__{position}": item for position, item in enumerate(value)}
        elif isinstance(value, list):
            found[name] = json.dumps(value, ensure_ascii=False)
        else:
            found[name] = "" if value is None else str(value)
    return found


def toml(values: Mapping[str, Any], table: str = "") -> str:
    plain = "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
        for key, value in values.items()
        if not isinstance(value, dict)
    )
    inner = (toml(value, f"{table}{key}.") for key, value in values.items() if isinstance(value, dict))
    return (f"[{table[:-1]}]\n" if table else "") + plain + "".join(inner)


def write(folder: Path, name: str, layer: Given) -> None:
    spelling = "json" if layer.spelling == "toml" and MAYBE in layer.values else layer.spelling  # TOML has no none
    text = toml(tree(layer.values)) if spelling == "toml" else json.dumps(tree(layer.values), ensure_ascii=False)
    (folder / f"{name}.{spelling}").write_text(text, encoding="utf-8")


def quoted(value: str) -> str:
    if "'" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def found_in(config: GroveConfig) -> dict[Where, Any]:
    branch = config.branch
    found: dict[Where, Any] = {
        ("branch", "depth"): branch.depth,
        ("branch", "leaf", "left"): branch.leaf.left,
        ("branch", "leaf", "right"): branch.leaf.right,
        ("branch", "leaf", "names"): branch.leaf.names,
        ("flat",): config.flat,
        ("words",): config.words,
        ("auth", "kind"): config.auth.kind,
        **{("limits", key): value for key, value in config.limits.items()},
    }
    if branch.maybe is None:
        found[MAYBE] = None
    else:
        found |= {(*MAYBE, "left"): branch.maybe.left, (*MAYBE, "names"): branch.maybe.names}
    return found | {("auth", name): value for name, value in config.auth if name != "kind"}


@settings(deadline=None)  # it writes files
@given(
    own=variables,
    shared=variables,
    own_dotenv=variables,
    shared_dotenv=variables,
    own_profile=files,
    own_file=files,
    shared_profile=files,
    shared_file=files,
    profile=st.sampled_from(["test", "development"]),
)
def test_any_mix_of_layers_gives_what_precedence_says(
    tmp_path_factory: pytest.TempPathFactory,
    own: Given,
    shared: Given,
    own_dotenv: Given,
    shared_dotenv: Given,
    own_profile: Given,
    own_file: Given,
    shared_profile: Given,
    shared_file: Given,
    profile: str,
) -> None:
    """Eight layers over the defaults; nested models, lists, mappings, unions and nones; every spelling of each."""
    folder = tmp_path_factory.mktemp("config")
    write(folder, "shared", shared_file)
    write(folder, f"shared.{profile}", shared_profile)
    write(folder, "grove", own_file)
    write(folder, f"grove.{profile}", own_profile)
    write(folder, "grove.production", Given({("flat",): 1_000}, "yaml"))
    below = as_variables(shared_dotenv, "MAESTRO_") | as_variables(own_dotenv, "GROVE_")
    (folder / ".env").write_text(
        "".join(f"{name}={quoted(value)}\n" for name, value in below.items()), encoding="utf-8"
    )
    environ = as_variables(shared, "MAESTRO_") | as_variables(own, "GROVE_") | {"MAESTRO_ENVIRONMENT": profile}
    manager = ConfigManager(GroveConfig, config_dir=folder, environ=environ, env_file=folder / ".env")

    found = found_in(manager.load())

    given_ = (own, shared, own_dotenv, shared_dotenv, own_profile, own_file, shared_profile, shared_file)
    stack = [*(layer.values for layer in given_), DEFAULTS]
    explained = {entry.name: entry for entry in manager.explain()}
    expected = together(stack)
    for path, value in found.items():
        entry = explained[".".join(path)]
        if path in expected:
            assert (value, entry.value) == (expected[path], expected[path]), path
            is_default = not any(path in values for values in stack[:-1])
            assert (entry.source == "default") == is_default, entry
        else:
            assert value == MADE_ANEW[path[-1]], path
            assert entry.source == "default", entry
    assert {path for path in expected if path[0] == "limits"} == {path for path in found if path[0] == "limits"}
