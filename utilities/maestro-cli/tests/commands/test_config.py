"""`maestro config` reads the sources of a service, and needs no environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from maestro_cli.cli import cli

MODULE = '''
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from maestro_core_config import BaseConfig, Live


class Pool(BaseModel):
    size: int = Field(default=5, ge=1)


class ShopConfig(BaseConfig):
    """Sells things."""

    page_size: Live[int] = 50
    """Orders on a page."""
    timeout_s: float = 2.5
    """How long to wait."""
    pool: Pool = Pool()
    api_key: SecretStr = SecretStr("the-default-of-the-shop")
    """Key of the payment provider."""


OTHER = 1
'''
CLASS = "corner_shop_config:ShopConfig"
GOOD = "4fK2vQ9xTzW8mB3nR7yL-4fK2vQ9xTzW8"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "corner_shop_config.py").write_text(MODULE)
    (tmp_path / "config").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAESTRO_HOME", str(tmp_path / "home"))
    monkeypatch.delitem(sys.modules, "corner_shop_config", raising=False)
    return tmp_path


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["config", *arguments])


def test_a_class_can_be_explained_as_well(shop: Path) -> None:
    """What is developed need not be installed; the `.env` file beside counts, and settings can be chosen."""
    (shop / ".env").write_text("SHOP_PAGE_SIZE=7\n")
    (shop / "config" / "shop.yaml").write_text("pool: {size: 9}\nport: 81\n")

    done = ask("explain", CLASS, "page_size", "pool", "--json")
    fields = {field["name"]: field for field in json.loads(done.stdout)}

    assert set(fields) == {"page_size", "pool.size"}
    assert (fields["page_size"]["value"], fields["page_size"]["source"]) == (7, f"{shop}/.env:1")
    assert fields["page_size"]["live"] is True
    assert fields["pool.size"]["overridden"] == [{"source": "default", "value": 5}]
    assert set(json.loads(ask("explain", CLASS, "--set", "port", "--json").stdout)[0]) >= {"name", "value", "source"}
    assert "timeout_s" not in ask("explain", CLASS, "--set").stdout


def test_a_valid_configuration_passes() -> None:
    """Exit code 0, and a line that says for which environment."""
    done = ask("check", CLASS)
    assert (done.exit_code, done.stdout) == (0, "the configuration of shop is valid for development\n")


def test_faults_fail_the_check(shop: Path) -> None:
    """Exit code 1 with every fault, for people and for programs."""
    (shop / "config" / "shop.yaml").write_text("page_siz: 1\npool: {size: 0}\n")

    text, data = ask("check", CLASS), ask("check", CLASS, "--json")

    assert (text.exit_code, data.exit_code) == (1, 1)
    assert "page_siz: there is no such setting" in text.stdout
    assert "did you mean page_size?" in text.stdout
    answer = json.loads(data.stdout)
    assert (answer["service"], answer["valid"]) == ("shop", False)
    assert {fault["field"]: fault["source"] for fault in answer["faults"]} == {
        "page_siz": f"{shop}/config/shop.yaml:1",
        "pool.size": f"{shop}/config/shop.yaml:2",
    }


def test_a_configuration_can_be_checked_for_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is there: production refuses the default of a secret."""
    monkeypatch.setenv("SHOP_ENVIRONMENT", "development")
    refused = ask("check", CLASS, "--environment", "production")
    assert refused.exit_code == 1
    assert "api_key: is the default of the class" in refused.stdout
    assert "the-default-of-the-shop" not in refused.stdout
    monkeypatch.setenv("SHOP_API_KEY", GOOD)
    passed = ask("check", CLASS, "--environment", "production", "--json")
    assert (passed.exit_code, json.loads(passed.stdout)["environment"]) == (0, "production")


def test_the_reference_is_a_page_or_data(shop: Path) -> None:
    """Variables, types, units, defaults and meanings; no secret."""
    page = ask("reference", CLASS).stdout
    assert "# Settings of shop\n" in page
    assert "| `timeout_s`<br>`SHOP_TIMEOUT_S` | number, in seconds | `2.5` | How long to wait. |" in page
    assert "`pool.size`<br>`SHOP_POOL__SIZE`" in page
    settings = {
        setting["name"]: setting for setting in json.loads(ask("reference", CLASS, "--json").stdout)["settings"]
    }
    assert settings["pool.size"]["limits"] == ["at least 1"]
    assert settings["api_key"]["default"] == "**********"
    assert ask("reference", CLASS, "-o", "page.md").exit_code == 0
    assert (shop / "page.md").read_text() == page
    assert "the-default-of-the-shop" not in page


def test_the_schema_is_json(shop: Path) -> None:
    """It is printed, or written to a file; `--json` changes nothing."""
    schema = json.loads(ask("schema", CLASS).stdout)
    assert schema["properties"]["page_size"]["x-variable"] == "SHOP_PAGE_SIZE"
    assert json.loads(ask("schema", CLASS, "--json").stdout) == schema
    assert ask("schema", CLASS, "-o", "shop.schema.json").exit_code == 0
    assert json.loads((shop / "shop.schema.json").read_text()) == schema


@pytest.mark.parametrize("command", ["explain", "check", "reference", "schema"])
@pytest.mark.parametrize(
    ("service", "code", "message"),
    [
        ("nobody", 1, "no service named 'nobody'"),
        ("nowhere.at_all:Config", 2, "cannot load"),
        ("corner_shop_config:Missing", 2, "cannot load"),
        ("corner_shop_config:OTHER", 2, "is no configuration class"),
    ],
)
def test_what_is_not_there_is_told(command: str, service: str, code: int, message: str) -> None:
    """An unknown service and a class that cannot be loaded end each command with a word and a code."""
    done = ask(command, service)
    assert done.exit_code == code
    assert message in done.stderr
