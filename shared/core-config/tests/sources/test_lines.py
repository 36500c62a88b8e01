"""Where values stand, in the formats whose parsers do not tell."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_core_config import BaseConfig, ConfigError, ConfigManager
from maestro_core_config._sources import _toml_lines, json_text, yaml_text

TOML = '''# settings
port = 1
"quoted key" = "a = [ # no comment"
'literal' = 'x'
dotted.inner.key = 2
list = [
  1, # one
  [2, 3],
  { a = 1, b.c = "]" },
]
text = """
not = "a key"
\\"""
"""
other = \'\'\'
[no table]
\'\'\'\'
date = 1979-05-27 07:32:00
number = 1.5

[pool]
size = 3
  [pool.deep."er.still"]
  x = 1
[[nodes]]
url = "a"
[nodes.auth]
pin = 1
[[nodes]]
url = "b"
[[nodes.inner]]
z = 1
[[nodes.inner]]
z = 2
'''
TOML_LINES = {
    ("port",): 2,
    ("quoted key",): 3,
    ("literal",): 4,
    ("dotted", "inner", "key"): 5,
    ("list", "0"): 7,
    ("list", "1", "1"): 8,
    ("list", "2", "a"): 9,
    ("list", "2", "b", "c"): 9,
    ("text",): 11,
    ("other",): 15,
    ("date",): 18,
    ("number",): 19,
    ("pool",): 21,
    ("pool", "size"): 22,
    ("pool", "deep", "er.still", "x"): 24,
    ("nodes", "0"): 25,
    ("nodes", "0", "url"): 26,
    ("nodes", "0", "auth", "pin"): 28,
    ("nodes", "1", "url"): 30,
    ("nodes", "1", "inner", "0", "z"): 32,
    ("nodes", "1", "inner", "1", "z"): 34,
}


def paths(value: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {path} if path else set()
    return found.union(*(paths(item, (*path, str(key))) for key, item in inner))


def test_toml() -> None:
    """Tables, arrays of tables, dotted and quoted keys, inline tables, and texts that look like something else."""
    lines = _toml_lines.lines(TOML)
    assert {path: lines[path] for path in TOML_LINES} == TOML_LINES
    assert set(lines) >= paths(tomllib.loads(TOML))


keys = st.text("ab-_.\"\\ '#[]{}=,ä\n", max_size=4)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), keys)
trees = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3))


@given(tree=st.dictionaries(keys, trees, max_size=4), indent=st.sampled_from([None, 0, 2]))
def test_json(tree: dict[str, Any], indent: int | None) -> None:
    """Every value of every document is found, on the line on which it stands."""
    text = json.dumps(tree, indent=indent)
    lines = json_text.lines(text)
    assert set(lines) == paths(tree)
    rows = text.split("\n")
    for path, line in lines.items():
        if not path[-1].isdigit():
            assert json.dumps(path[-1]) in rows[line - 1]


@given(tree=st.dictionaries(st.text("abc", min_size=1), trees, max_size=4))
def test_toml_and_json_agree(tree: dict[str, Any]) -> None:
    """What one format calls a path, the other calls so."""
    values = without_none(tree)
    text = "".join(f"{key} = {toml(value)}\n" for key, value in values.items())
    assert tomllib.loads(text) == values
    assert set(_toml_lines.lines(text)) >= paths(values)


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_none(inner) for key, inner in value.items() if inner is not None}
    return [without_none(inner) for inner in value if inner is not None] if isinstance(value, list) else value


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(toml, value)) + "\n]"
    return repr(value) if isinstance(value, float) else json.dumps(value)


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("lined.yaml", "# first\npool:\n  size: x\n", 3),
        ("lined.toml", "# first\n\n[pool]\nsize = 'x'\n", 4),
        ("lined.json", '{\n  "pool": {\n    "size": "x"\n  }\n}', 3),
    ],
)
def test_a_fault_names_the_line_in_every_format(tmp_path: Path, name: str, text: str, line: int) -> None:
    """Nobody has to search a file for a value."""

    class LinedConfig(BaseConfig):
        pool: dict[str, int] = {}

    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        ConfigManager(LinedConfig, config_dir=tmp_path, environ={}).load()
    assert [fault.source for fault in caught.value.faults] == [f"{tmp_path / name}:{line}"]


def test_yaml_lines_of_what_stands_twice() -> None:
    """An anchor's content is found where it is used."""
    lines = yaml_text.lines("a: &x {b: 1}\nc: *x\n")
    assert (lines["a",], lines["c",]) == (1, 2)
