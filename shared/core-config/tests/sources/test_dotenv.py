from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from maestro_core_config import BaseConfig, ConfigError, ConfigManager
from maestro_core_config._sources import dotenv


class EnvConfig(BaseConfig):
    text: str = "default"
    number: int = 0


def value_of(folder: Path, line: str) -> str:
    (folder / "file").write_text(f"BEFORE=1\n{line}\nAFTER=2\n")
    found = dotenv.read(folder / "file")
    assert (found.variables["BEFORE"], found.variables["AFTER"]) == ("1", "2")
    assert not found.faults
    return found.variables["X"]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("X=a", "a"),
        ("X = a b ", "a b"),
        ("  export X=a", "a"),
        ("export\tX=a", "a"),
        ("X=", ""),
        ("X=''", ""),
        ("X=a # a comment", "a"),
        ("X=# a comment", ""),
        ("X=a#b", "a#b"),
        ("X='a # b' # c", "a # b"),
        ('X="a # b"', "a # b"),
        (r"X='a\n$b${c}'", r"a\n$b${c}"),
        (r'X="a\n\t\"b\"\\\$c\d"', 'a\n\t"b"\\$c\\d'),
        ('X="a\nb\n"', "a\nb\n"),
        ("X='-----BEGIN\nabc=\n-----END'", "-----BEGIN\nabc=\n-----END"),
        ("X=a=b", "a=b"),
        ("X=it's", "it's"),
        ("X=p$ss", "p$ss"),
        ("X=a\r", "a"),
        ('X="a"\r', "a"),
        ("Y\nX=a", "a"),
        ("X='ünï'", "ünï"),
    ],
)
def test_a_line_gives_a_value(tmp_path: Path, line: str, value: str) -> None:
    """Values are bare, in single quotes, or in double quotes with escapes; comments and `export` are left out."""
    assert value_of(tmp_path, line) == value


@given(value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="'\r\0")))
def test_single_quotes_keep_everything(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    """Whatever stands between single quotes is the value, and other readers of such files agree."""
    file = tmp_path_factory.mktemp("env") / "file"
    file.write_text(f"A=1\nX='{value}'\nB=2\n", encoding="utf-8", newline="")
    found = dotenv.read(file)
    assert found.variables == {"A": "1", "X": value, "B": "2"}
    assert found.lines["B"] == 3 + value.count("\n")
    if "\\" not in value:
        assert dotenv_values(file, interpolate=False) == found.variables


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("A=1\nX='open\nB=2\n", 2, "nothing closes"),
        ('A=1\nX="open\n', 2, "nothing closes"),
        ("X='a' b\n", 1, "goes on after"),
        ("A=1\n\nX: 1\n", 3, "is no variable"),
        ("=1\n", 1, "is no variable"),
        ("two words\n", 1, "is no variable"),
    ],
)
def test_a_line_that_sets_nothing_is_a_fault(tmp_path: Path, text: str, line: int, message: str) -> None:
    """What cannot be read is named with its line, and the lines around it are read all the same."""
    (tmp_path / "file").write_text(text)
    (fault,) = dotenv.read(tmp_path / "file").faults
    assert fault.source == f"{tmp_path / 'file'}:{line}"
    assert message in fault.message


def manager(folder: Path, **environ: str) -> ConfigManager[EnvConfig]:
    return ConfigManager(EnvConfig, config_dir=folder, environ=environ, env_file=folder / ".env")


def test_it_is_below_the_environment_and_above_files(tmp_path: Path) -> None:
    """A variable of the process wins, even one for every service over the service's own; the file wins over `config/`."""
    (tmp_path / ".env").write_text("ENV_TEXT=from .env\nMAESTRO_NUMBER=1\n")
    (tmp_path / "env.yaml").write_text("text: from yaml\nnumber: 2\n")
    assert manager(tmp_path).load().text == "from .env"
    assert manager(tmp_path).load().number == 1
    assert manager(tmp_path, MAESTRO_TEXT="from the process").load().text == "from the process"
    entry = {entry.name: entry for entry in manager(tmp_path).explain()}["text"]
    assert entry.source == f"{tmp_path}/.env:1"
    assert entry.overridden[0] == (f"{tmp_path}/env.yaml:1", "from yaml")


def test_the_one_in_the_working_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As everywhere; `MAESTRO_ENV_FILE` names another, and an empty one none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ENV_TEXT=here\n")
    (tmp_path / "other").write_text("ENV_TEXT=there\n")
    assert ConfigManager(EnvConfig).load().text == "here"
    monkeypatch.setenv("MAESTRO_ENV_FILE", "other")
    assert ConfigManager(EnvConfig).load().text == "there"
    monkeypatch.setenv("MAESTRO_ENV_FILE", "")
    assert ConfigManager(EnvConfig).load().text == "default"
    assert ConfigManager(EnvConfig, environ={}).load().text == "default", "variables that are given are all there are"
    assert ConfigManager(EnvConfig, environ={"MAESTRO_ENV_FILE": "other"}).load().text == "there"


def test_it_may_say_where_the_rest_is(tmp_path: Path) -> None:
    """The folder of files, and files of secrets, are named there as in the environment."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "env.toml").write_text("number = 7\n")
    (tmp_path / "secret").write_text("a-secret-that-is-long-enough-for-hs256")
    (tmp_path / ".env").write_text(
        f"MAESTRO_CONFIG_DIR={tmp_path}/conf\nENV_JWT_SECRET_FILE={tmp_path}/secret\nENV_TEXT=x\n"
    )
    loading = ConfigManager(EnvConfig, environ={"MAESTRO_ENV_FILE": str(tmp_path / ".env")})
    config = loading.load()
    assert config.number == 7
    assert config.jwt_secret is not None
    source = {entry.name: entry.source for entry in loading.explain()}["jwt_secret"]
    assert source == f"{tmp_path}/.env:2 ({tmp_path}/secret)"


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("ENV_TEXT=${HOME}/x\n", 1, "not expanded", "single quotes"),
        ('\nENV_TEXT="a${B}"\n', 2, "not expanded", "single quotes"),
        ("MAESTRO_CONFIG_DIR=${HOME}/config\n", 1, "not expanded", "single quotes"),
        ("ENV_TEXT=a\nENV_TEXT=b\n", 2, "set twice, in line 1", "keep one"),
        ("ENV_NUMBR=1\n", 1, "no such setting", "did you mean ENV_NUMBER?"),
    ],
)
def test_what_means_different_things_to_different_readers_is_a_fault(
    tmp_path: Path, text: str, line: int, message: str, hint: str
) -> None:
    """References and names that are set twice are refused, with what to do."""
    (tmp_path / ".env").write_text(text)
    with pytest.raises(ConfigError) as caught:
        manager(tmp_path).load()
    fault = caught.value.faults[-1]
    assert fault.source == f"{tmp_path}/.env:{line}"
    assert message in fault.message
    assert hint in fault.hint


def test_other_programs_variables_are_left_alone(tmp_path: Path) -> None:
    """The file is shared with others, whose variables may hold references."""
    (tmp_path / ".env").write_text("COMPOSE=${X}\nOTHER=1\nOTHER=2\nMAESTRO_HOME=${HOME}/m\nENV_TEXT=mine\n")
    assert manager(tmp_path).load().text == "mine"


@pytest.mark.parametrize("content", [b"ENV_TEXT=\xff\n", None])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, content: bytes | None) -> None:
    """It is not passed over."""
    if content is None:
        (tmp_path / ".env").mkdir()
    else:
        (tmp_path / ".env").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        manager(tmp_path).load()
    assert f"{tmp_path}/.env" in caught.value.faults[0].source


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_file_that_is_named_must_be_there(tmp_path: Path, by_variable: bool) -> None:
    """A misspelt name would otherwise mean defaults."""
    gone = str(tmp_path / "gone")
    environ = {"MAESTRO_ENV_FILE": gone} if by_variable else {}
    with pytest.raises(ConfigError, match="there is no file") as caught:
        ConfigManager(EnvConfig, environ=environ, env_file=None if by_variable else gone).load()
    assert caught.value.faults[0].source == ("MAESTRO_ENV_FILE" if by_variable else "env_file")


def test_faulty_values_name_the_line(tmp_path: Path) -> None:
    """The source of a value that does not fit is the file's line."""
    (tmp_path / ".env").write_text("# numbers\nENV_NUMBER=many\n")
    with pytest.raises(ConfigError, match=r"number: .*\.env:2"):
        manager(tmp_path).load()


def test_variables_are_not_part_of_a_representation(tmp_path: Path) -> None:
    """They may be secret."""
    (tmp_path / ".env").write_text("ENV_TEXT=hunter2\n")
    found: Any = dotenv.read(tmp_path / ".env")
    assert "hunter2" not in repr(found)
