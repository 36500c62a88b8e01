"""No way of showing a configuration, or of failing with it, shows a secret."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from pydantic import BaseModel, Secret, SecretBytes, SecretStr, TypeAdapter, ValidationError, field_validator
from rich.pretty import pretty_repr

from maestro_core_config import BaseConfig, ConfigError, ConfigManager
from maestro_core_config._reading import Reading
from maestro_core_config._secrets import is_named_secret

WORD = "hunter"  # each secret has it


class Store(BaseModel):
    """A class that knows nothing of secrets."""

    url: str = "postgresql://me:hunter-url@db/x"
    password: str = "hunter-password"
    keys: list[SecretStr] = [SecretStr("hunter-item")]


@dataclass
class Login:
    user: str
    pin: SecretStr


class QuietConfig(BaseConfig):
    store: Store = Store()
    stores: dict[str, Store] = {"a": Store()}
    typed: SecretStr = SecretStr("hunter-typed")
    raw: SecretBytes = SecretBytes(b"hunter-raw")
    number: Secret[int] = Secret(7_777_777)
    apiKey: str = "hunter-camel"  # noqa: N815 - as others write it
    api_tokens: dict[str, str] = {"a": "hunter-token"}
    signing_keys: list[str] = ["hunter-signing"]
    database_url: str = "postgresql://me:hunter-pass@db/x"
    login: Login = Login("me", SecretStr("hunter-pin"))
    max_tokens: int = 100


WAYS: dict[str, Callable[[QuietConfig], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda config: f"{config} {config!r}",
    "pprint": pprint.pformat,
    "rich": lambda config: pretty_repr(config, expand_all=True),
    "dumped as JSON": lambda config: config.model_dump_json(),
    "dumped for JSON": lambda config: str(config.model_dump(mode="json")),
    "adapted": lambda config: TypeAdapter(dict[str, QuietConfig]).dump_json({"a": config}).decode(),
    "copied": lambda config: repr(copy.deepcopy(config)),
    "updated": lambda config: repr(config.model_copy(update={"port": 1})),
    "logged": lambda config: logging.LogRecord("x", 20, "x", 1, "%s %r", (config, config), None).getMessage(),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_configuration_is_shown_without_secrets(way: str) -> None:
    """Typed, named, nested, in lists and mappings, or inside a URL."""
    text = WAYS[way](QuietConfig())
    assert WORD not in text
    assert "7777777" not in text
    assert "postgresql://**********@db/x" in text
    assert "100" in text, "and what is none is shown"


def test_explanations_schemas_and_references_show_no_secret(tmp_path: Path) -> None:
    """Defaults in the class may be secret as well."""
    manager = ConfigManager(QuietConfig, config_dir=tmp_path, environ={})
    shown = [repr(manager.explain()), json.dumps(manager.json_schema()), repr(manager.reference())]
    shown.append(manager.reference().markdown())
    for text in shown:
        assert WORD not in text
        assert "7777777" not in text


def test_a_class_that_is_made_by_hand_says_no_input() -> None:
    """The text of pydantic's own error has no value in it, nested ones included."""
    with pytest.raises(ValidationError) as error:
        QuietConfig.model_validate(
            {"typed": ["hunter1"], "store": {"keys": ["a", ["hunter2"]], "url": 1}, "port": "hunter3"}
        )
    assert WORD not in str(error.value) + repr(error.value)


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("password", True),
        ("dbPassword", True),
        ("API_KEY", True),
        ("x_tokens", True),
        ("betoken", False),
        ("monkey", False),
    ],
)
def test_names_of_secrets(name: str, is_secret: bool) -> None:
    """A name says it with its last word, however words are joined."""
    assert is_named_secret(None, name) == is_secret


def test_the_program_gets_what_it_needs() -> None:
    """Attributes and dumps in Python mode are data, and a configuration can be handed to another process."""
    config = QuietConfig()
    assert config.store.password == config.model_dump()["store"]["password"] == "hunter-password"
    assert config.model_dump()["typed"].get_secret_value() == "hunter-typed"
    assert pickle.loads(pickle.dumps(config)) == config


class LoudConfig(QuietConfig):
    @field_validator("typed", "apiKey", mode="before")
    @classmethod
    def _loud(cls, value: Any) -> Any:
        error = ValueError(f"not {value!r}, nor {str(value).upper()}, nor <{str(value).strip()}>")
        error.add_note(f"a note about {value}")
        raise error


FAULTY = {
    "LOUD_TYPED": " hunter-one ",
    "LOUD_APIKEY": "hunter-two",
    "LOUD_STORE__PASSWORD": "hunter-three",
    "LOUD_STORE__KEYS": '["hunter-four", {"a": "hunter-five"}]',
    "LOUD_LOGIN": '{"user": 1, "pin": ["hunter-six"]}',
    "LOUD_NUMBER": "hunter-seven",
    "LOUD_PORT": "hunter-eight",
    "LOUD_RAW": '{"hunter-nine"',
}


def caught(folder: Path, call: Callable[[ConfigManager[LoudConfig]], object]) -> ConfigError:
    with pytest.raises(ConfigError) as error:
        call(ConfigManager(LoudConfig, config_dir=folder, environ=FAULTY))
    return error.value


@pytest.mark.parametrize("call", [lambda m: m.load(), lambda m: m.explain()], ids=["load", "explain"])
def test_an_error_shows_no_secret(tmp_path: Path, call: Callable[[ConfigManager[LoudConfig]], object]) -> None:
    """Not in its text, its faults, its notes, what it came from, nor in any frame of its traceback."""
    error = caught(tmp_path, call)
    assert {fault.field for fault in error.faults} >= {"typed", "apiKey", "number", "port"}
    frames = [frame for frame, _line in traceback.walk_tb(error.__traceback__) if is_ours(frame)]
    shown = [str(error), repr(error), repr(error.faults), "".join(traceback.format_exception(error))]
    shown += [repr(value) + pretty_repr(value) for frame in frames for value in frame.f_locals.values()]
    assert frames, "the traceback leads into the library"
    assert error.__context__ is None
    assert not hasattr(error, "__notes__")
    assert [text for text in shown if WORD in text.lower()] == []


def is_ours(frame: FrameType) -> bool:
    return "maestro_core_config/_" in frame.f_code.co_filename


def test_what_was_read_shows_no_secret(tmp_path: Path) -> None:
    """Also not to somebody who looks at it in a debugger's list of variables."""
    reading: Reading = ConfigManager(QuietConfig, config_dir=tmp_path, environ={"QUIET_TYPED": "hunter2"})._read()
    assert WORD not in repr(reading) + repr(reading.layers)
    assert reading.values["typed"] == "hunter2"


def test_a_misspelt_secret_is_not_shown(tmp_path: Path) -> None:
    """The value of a name that means nothing is never shown."""
    (tmp_path / "quiet.yaml").write_text("typd: hunter-file\nstore: {pasword: hunter-deep}\n")
    with pytest.raises(ConfigError) as error:
        ConfigManager(QuietConfig, config_dir=tmp_path, environ={"QUIET_TYPD": "hunter-variable"}).load()
    assert len(error.value.faults) == 3
    assert WORD not in str(error.value)
