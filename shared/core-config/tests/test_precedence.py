from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from maestro_core_config import BaseConfig, ConfigManager

SECRETS = {letter: letter * 32 for letter in "abcdef"}


class Inner(BaseModel):
    left: int = 0
    right: int = 0


class Middle(BaseModel):
    inner: Inner = Inner(left=-1, right=-2)
    depth: int = 0


class TreeConfig(BaseConfig):
    middle: Middle = Middle(depth=-3)
    flat: int = -4


LAYERS = ("own variable", "shared variable", "own secret file", "shared secret file", "own file", "shared file")


@settings(deadline=None)  # it writes files
@given(present=st.sets(st.sampled_from(LAYERS)))
def test_the_highest_layer_that_has_a_value_wins(tmp_path_factory: pytest.TempPathFactory, present: set[str]) -> None:
    """Own variable over shared variable over secret files over own file over shared file over default, in every mix."""
    folder = tmp_path_factory.mktemp("config")
    secrets = dict(zip(LAYERS, SECRETS.values(), strict=True))
    environ: dict[str, str] = {}
    for layer in present:
        secret = secrets[layer]
        match layer:
            case "own variable":
                environ["TREE_JWT_SECRET"] = secret
            case "shared variable":
                environ["MAESTRO_JWT_SECRET"] = secret
            case "own secret file" | "shared secret file":
                (folder / layer).write_text(secret + "\n")
                prefix = "TREE" if layer.startswith("own") else "MAESTRO"
                environ[f"{prefix}_JWT_SECRET_FILE"] = str(folder / layer)
            case "own file":
                (folder / "tree.yaml").write_text(f"jwt_secret: {secret}\n")
            case _:
                (folder / "shared.toml").write_text(f'jwt_secret = "{secret}"\n')
    manager = ConfigManager(TreeConfig, config_dir=folder, environ=environ)
    winners = [secrets[layer] for layer in LAYERS if layer in present]
    loaded = manager.load().jwt_secret
    assert (loaded and loaded.get_secret_value()) == (winners[0] if winners else None)
    explained = next(entry for entry in manager.explain() if entry.name == "jwt_secret")
    assert len(explained.overridden) == len(present), "each source that lost, and the default, is told"


PATHS = (("flat",), ("middle", "depth"), ("middle", "inner", "left"), ("middle", "inner", "right"))
DEFAULTS = {PATHS[0]: -4, PATHS[1]: -3, PATHS[2]: -1, PATHS[3]: -2}
some_values = st.dictionaries(st.sampled_from(PATHS), st.integers(0, 99))


def nested(values: dict[tuple[str, ...], int]) -> dict[str, object]:
    tree: dict[str, object] = {}
    for path, value in values.items():
        target = tree
        for part in path[:-1]:
            target = target.setdefault(part, {})  # type: ignore[assignment]
        target[path[-1]] = value
    return tree


@settings(deadline=None)  # it writes files
@given(
    shared_file=some_values,
    own_file=some_values,
    shared_json=st.booleans(),
    shared_variables=some_values,
    own_variables=some_values,
)
def test_nested_settings_are_merged_part_by_part(
    tmp_path_factory: pytest.TempPathFactory,
    shared_file: dict[tuple[str, ...], int],
    own_file: dict[tuple[str, ...], int],
    shared_json: bool,
    shared_variables: dict[tuple[str, ...], int],
    own_variables: dict[tuple[str, ...], int],
) -> None:
    """Each part comes from the highest layer that gives that part, whichever way the layer is written."""
    folder = tmp_path_factory.mktemp("config")
    (folder / "shared.json").write_text(json.dumps(nested(shared_file)))
    (folder / "tree.json").write_text(json.dumps(nested(own_file)))
    environ = {f"TREE_{'__'.join(path).upper()}": str(value) for path, value in own_variables.items()}
    if shared_json:
        environ |= {f"MAESTRO_{name.upper()}": json.dumps(value) for name, value in nested(shared_variables).items()}
    else:
        environ |= {f"MAESTRO_{'__'.join(path).upper()}": str(value) for path, value in shared_variables.items()}
    manager = ConfigManager(TreeConfig, config_dir=folder, environ=environ)
    config = manager.load()
    expected = DEFAULTS | shared_file | own_file | shared_variables | own_variables
    found = (config.flat, config.middle.depth, config.middle.inner.left, config.middle.inner.right)
    assert dict(zip(PATHS, found, strict=True)) == expected
    explained = {entry.name: entry for entry in manager.explain()}
    for path, value in expected.items():
        entry = explained[".".join(path)]
        assert entry.value == value
        is_default = not any(path in given for given in (shared_file, own_file, shared_variables, own_variables))
        assert (entry.source == "default") == is_default


def test_a_variable_for_a_part_wins_over_one_for_the_whole(tmp_path: Path) -> None:
    """Of two variables with the same prefix, the one that says more precisely what it sets counts."""
    environ = {"TREE_MIDDLE__DEPTH": "7", "TREE_MIDDLE": '{"depth": 1, "inner": {"left": 2}}'}
    middle = ConfigManager(TreeConfig, config_dir=tmp_path, environ=environ).load().middle
    assert (middle.depth, middle.inner.left, middle.inner.right) == (7, 2, -2)


def test_a_list_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Items of two layers are not mixed."""

    class ListConfig(BaseConfig):
        tags: list[str] = ["default"]

    (tmp_path / "list.yaml").write_text("tags: [a, b]\n")
    assert ConfigManager(ListConfig, config_dir=tmp_path, environ={}).load().tags == ["a", "b"]
    assert ConfigManager(ListConfig, config_dir=tmp_path, environ={"LIST_TAGS": "c"}).load().tags == ["c"]


def test_layers_that_mean_different_classes_are_not_mixed(tmp_path: Path) -> None:
    """Of a union of models, the higher layer's is taken whole."""

    class Basic(BaseModel):
        user: str
        password: SecretStr

    class Bearer(BaseModel):
        model_config = {"extra": "forbid"}
        token: SecretStr

    class AuthConfig(BaseConfig):
        upstream: Basic | Bearer | None = None

    (tmp_path / "shared.yaml").write_text("upstream: {user: u, password: p}\n")
    (tmp_path / "auth.yaml").write_text("upstream: {token: t}\n")
    assert isinstance(ConfigManager(AuthConfig, config_dir=tmp_path, environ={}).load().upstream, Bearer)


def test_the_process_environment_and_the_folder_beside_it_are_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without arguments, a service reads its own variables and ./config; MAESTRO_CONFIG_DIR moves the folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAESTRO_CONFIG_DIR", raising=False)
    for folder, flat in (("config", 1), ("elsewhere", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tree.toml").write_text(f"flat = {flat}\n")
    assert ConfigManager(TreeConfig).load().flat == 1
    monkeypatch.setenv("MAESTRO_CONFIG_DIR", "elsewhere")
    assert ConfigManager(TreeConfig).load().flat == 2
    monkeypatch.setenv("TREE_FLAT", "3")
    assert ConfigManager(TreeConfig).load().flat == 3
