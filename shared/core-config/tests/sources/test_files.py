from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from maestro_core_config import BaseConfig, ConfigError, ConfigFault, ConfigManager

Faults = Callable[..., dict[str, ConfigFault]]

BOMB = b"a0: &a0 [x, x]\n" + b"".join(b"a%d: &a%d [*a%d, *a%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 40))
SAME = {
    "yaml": "port: 81\ntags: [a, b]\npool:\n  size: 3\n",
    "yml": "{port: 81, tags: [a, b], pool: {size: 3}}",
    "toml": 'port = 81\ntags = ["a", "b"]\n[pool]\nsize = 3\n',
    "json": '\ufeff{"port": 81, "tags": ["a", "b"], "pool": {"size": 3}}',
}


@pytest.mark.parametrize("suffix", SAME)
@pytest.mark.parametrize("name", ["shop-service", "shared"])
def test_every_format_says_the_same(folder: Path, shop: Any, name: str, suffix: str) -> None:
    """YAML, TOML and JSON are equal, with a byte order mark or without."""
    (folder / f"{name}.{suffix}").write_text(SAME[suffix], encoding="utf-8")
    config = shop().load()
    assert (config.port, config.tags, config.pool.size) == (81, ["a", "b"], 3)


@pytest.mark.parametrize("suffix", ["yaml", "toml", "json"])
def test_an_empty_file_holds_nothing(folder: Path, shop: Any, suffix: str) -> None:
    """A file may be there before its first setting."""
    (folder / f"shop-service.{suffix}").write_text("\n")
    assert shop().load().port == 0


def test_yaml_is_read_as_1_2(folder: Path, shop: Any) -> None:
    """The words on, no and yes are words, and 0o17 is a number."""
    (folder / "shop-service.yaml").write_text("model_endpoint: on\ntags: [no, yes, off]\nport: 0o17\n")
    config = shop().load()
    assert (config.model_endpoint, config.tags, config.port) == ("on", ["no", "yes", "off"], 15)


def test_yaml_anchors_and_merges_work(folder: Path, shop: Any) -> None:
    """What stands once may be used twice."""
    (folder / "shop-service.yaml").write_text("tags: &t [a]\npool: {size: 3}\nlimits: &l {a: 1}\n")
    assert shop().load().limits == {"a": 1}


def test_an_alias_of_a_setting_is_its_name_too(tmp_path: Path) -> None:
    """A file may use the alias that the class gives, and a fault names the line all the same."""

    class AliasConfig(BaseConfig):
        zone: int = Field(default=0, alias="availabilityZone")

    manager = ConfigManager(AliasConfig, config_dir=tmp_path, environ={})
    file = tmp_path / "alias.yaml"
    file.write_text("availabilityZone: 3\n")
    assert manager.load().zone == 3
    assert {entry.name: entry.source for entry in manager.explain()}["zone"] == f"{file}:1"
    file.write_text("\navailabilityZone: x\n")
    with pytest.raises(ConfigError, match=r"zone: .*alias\.yaml:2"):
        manager.load()


def test_dates_of_yaml_and_toml_stay_dates(tmp_path: Path) -> None:
    """Formats that know dates may use them."""

    class DayConfig(BaseConfig):
        since: date = date.min

    (tmp_path / "day.yaml").write_text("since: 2026-01-02\n")
    assert ConfigManager(DayConfig, config_dir=tmp_path, environ={}).load().since == date(2026, 1, 2)


@pytest.mark.parametrize(
    ("name", "content", "place", "message"),
    [
        ("shop-service.yaml", b"a: [1\nb: 2\n", "shop-service.yaml:2", "is no YAML"),
        ("shop-service.yaml", b"a: 1\na: 2\n", "shop-service.yaml:2", "duplicate key"),
        ("shop-service.yaml", b"a: 1\n---\nb: 2\n", "shop-service.yaml:2", "is no YAML"),
        ("shop-service.yaml", b"port: 1\nx: !!python/object:os.system {}\n", "shop-service.yaml:2", "is no YAML"),
        ("shop-service.yaml", b"- a\n- b\n", "shop-service.yaml:1", "a list"),
        ("shop-service.yaml", b"words\n", "shop-service.yaml:1", "a single value"),
        ("shop-service.yaml", b"tags:\n  - \xff\n", "shop-service.yaml:2", "UTF-8"),
        ("shop-service.yaml", b"port: 1\ntags: \x00\n", "shop-service.yaml", "is no YAML"),
        ("shop-service.yaml", b"[" * 5000, "shop-service.yaml", "nested too deep"),
        ("shop-service.yaml", b"tags: &t [*t]\n", "shop-service.yaml", "holds itself"),
        ("shop-service.yaml", b"limits: &l {a: *l}\n", "shop-service.yaml", "holds itself"),
        ("shop-service.yaml", BOMB, "shop-service.yaml", "more values than can be meant"),
        ("shop-service.json", b'{\n"a": }', "shop-service.json:2", "is no JSON"),
        ("shop-service.json", b'{"a": 1, "a": 2}', "shop-service.json", "'a' twice"),
        ("shop-service.json", b"[" * 200_000, "shop-service.json", "nested too deep"),
        ("shop-service.json", b"[]", "shop-service.json:1", "a list"),
        ("shop-service.toml", b"port = 1\na = = 1\n", "shop-service.toml:2", "is no TOML"),
        ("shop-service.toml", b"port = 1\na = [", "shop-service.toml:2", "is no TOML"),
        ("shared.yaml", b"\tx: 1\n", "shared.yaml:1", "is no YAML"),
    ],
)
def test_a_corrupt_file_is_named_with_its_line(
    folder: Path, faults: Faults, name: str, content: bytes, place: str, message: str
) -> None:
    """A file that cannot be used stops the start, and is told once and without what follows from it."""
    (folder / name).write_bytes(content)
    (fault,) = faults().values()
    assert fault.source.endswith(place)
    assert message in fault.message
    assert fault.field == ""


def test_a_corrupt_file_does_not_make_settings_seem_missing(tmp_path: Path) -> None:
    """What is required may stand in the file that could not be read; other faults are still told."""

    class NeedyConfig(BaseConfig):
        model_endpoint: str

    (tmp_path / "needy.yaml").write_text("model_endpoint: [\n")
    with pytest.raises(ConfigError) as caught:
        ConfigManager(NeedyConfig, config_dir=tmp_path, environ={"NEEDY_PORT": "x"}).load()
    assert [fault.source for fault in caught.value.faults] == [f"{tmp_path / 'needy.yaml'}:2", "NEEDY_PORT"]


def test_a_folder_in_a_file_s_place_is_a_fault(folder: Path, faults: Faults) -> None:
    """What is there and cannot be read is not passed over."""
    (folder / "shop-service.yaml").mkdir()
    (fault,) = faults().values()
    assert "cannot be read" in fault.message


@pytest.mark.parametrize("name", ["shop-service", "shared"])
def test_two_files_for_one_name_are_refused(folder: Path, faults: Faults, name: str) -> None:
    """Which of two files counts must not be a guess."""
    (folder / f"{name}.yaml").write_text("port: 1\n")
    (folder / f"{name}.toml").write_text("port = 2\n")
    (fault,) = faults().values()
    assert f"{name}.yaml, {name}.toml" in fault.message


def test_a_folder_that_is_named_must_be_there(tmp_path: Path) -> None:
    """A misspelt MAESTRO_CONFIG_DIR would otherwise mean defaults everywhere."""
    manager = ConfigManager(BaseConfig, environ={"MAESTRO_CONFIG_DIR": str(tmp_path / "nothing")})
    with pytest.raises(ConfigError, match=r"MAESTRO_CONFIG_DIR: there is no folder"):
        manager.load()


def test_shared_files_may_hold_settings_of_other_services(folder: Path, shop: Any) -> None:
    """A key that this service does not know is no fault in shared.*."""
    (folder / "shared.yaml").write_text("something_else: 1\nport: 8080\n")
    assert shop().load().port == 8080


@pytest.mark.parametrize(
    ("file", "text", "field", "line", "hint"),
    [
        ("shop-service", "port: 1\nmodle_endpoint: x\n", "modle_endpoint", 2, "did you mean model_endpoint?"),
        ("shop-service", "log-level: INFO\n", "log-level", 1, "did you mean log_level?"),
        ("shop-service", "pool:\n  size: 1\n  pasword: x\n", "pool.pasword", 3, "did you mean password?"),
        ("shared", "pool:\n  sise: 1\n", "pool.sise", 2, "did you mean size?"),
        ("shop-service", "8080: 1\n", "8080", 1, "there are: "),
        ("shop-service", "zzz: 1\n", "zzz", 1, "there are: "),
    ],
)
def test_an_unknown_key_is_a_fault_with_a_suggestion(
    folder: Path, faults: Faults, file: str, text: str, field: str, line: int, hint: str
) -> None:
    """A misspelt setting must not be silently the default."""
    (folder / f"{file}.yaml").write_text(text)
    (fault,) = faults().values()
    assert (fault.field, fault.source) == (field, f"{folder / file}.yaml:{line}")
    assert fault.hint.startswith(hint)


def test_unknown_keys_are_found_in_lists_and_mappings_of_models(tmp_path: Path) -> None:
    """However deep a misspelt key stands, it is found; a model that welcomes more keys gets them."""

    class Node(BaseModel):
        url: str = ""

    class Open(BaseModel):
        model_config = {"extra": "allow"}

    class DeepConfig(BaseConfig):
        nodes: list[Node] = []
        by_name: dict[str, Node] = {}
        anything: dict[str, Any] = {}
        open: Open = Open()

    text = "nodes:\n- url: a\n- ulr: b\nby_name:\n  a:\n    urll: c\nanything: {x: {y: 1}}\nopen: {z: 1}\n"
    (tmp_path / "deep.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        ConfigManager(DeepConfig, config_dir=tmp_path, environ={}).load()
    file = tmp_path / "deep.yaml"
    assert [(fault.field, fault.source) for fault in caught.value.faults] == [
        ("nodes.1.ulr", f"{file}:3"),
        ("by_name.a.urll", f"{file}:6"),
    ]
