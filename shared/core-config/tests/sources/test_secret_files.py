from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maestro_core_config import BaseConfig, ConfigFault, ConfigManager

SECRET = "a-secret-that-is-long-enough-for-hs256"
Faults = Callable[..., dict[str, ConfigFault]]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_may_come_from_a_file(folder: Path, shop: Any, end: str) -> None:
    """The line end that editors leave is no part of the secret; other white space is."""
    (folder / "secret").write_text(f" {SECRET} {end}", newline="")
    config = shop(MAESTRO_JWT_SECRET_FILE=str(folder / "secret")).load()
    assert config.jwt_secret.get_secret_value() == f" {SECRET} "


def test_a_nested_secret_may_come_from_a_file(folder: Path, shop: Any) -> None:
    """The parts of a nested setting are files as well."""
    (folder / "secret").write_text("nested")
    manager = shop(SHOP_SERVICE_POOL__PASSWORD_FILE=str(folder / "secret"), SHOP_SERVICE_POOL__SIZE="8")
    pool = manager.load().pool
    assert (pool.size, pool.password.get_secret_value()) == (8, "nested")
    explained = {entry.name: entry for entry in manager.explain()}["pool.password"]
    assert explained.source == f"SHOP_SERVICE_POOL__PASSWORD_FILE ({folder / 'secret'})"


def test_only_secrets_come_from_files(folder: Path, shop: Any) -> None:
    """A variable that ends in _FILE means a file only where the setting is a secret."""
    (folder / "file").write_text("http://from-file")
    assert shop(SHOP_SERVICE_MODEL_ENDPOINT_FILE=str(folder / "file")).load().model_endpoint == "http://default"


def test_a_setting_may_itself_be_called_file(tmp_path: Path) -> None:
    """The setting's own name counts before the suffix."""

    class LogsConfig(BaseConfig):
        audit_file: str = ""

    assert (
        ConfigManager(LogsConfig, config_dir=tmp_path, environ={"LOGS_AUDIT_FILE": "a.log"}).load().audit_file
        == "a.log"
    )


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot be read"), (b"", "is empty"), (b"\n", "is empty"), (b"\xff", "UTF-8")]
)
def test_a_file_without_a_secret_is_a_fault(folder: Path, faults: Faults, content: bytes | None, message: str) -> None:
    """A secret that is announced and not there stops the start."""
    file = folder / "secret"
    if content is not None:
        file.write_bytes(content)
    (fault,) = faults(MAESTRO_JWT_SECRET_FILE=str(file)).values()
    assert (fault.field, fault.source) == ("jwt_secret", "MAESTRO_JWT_SECRET_FILE")
    assert message in fault.message
    assert str(file) in fault.message


def test_a_short_secret_from_a_file_names_the_file(folder: Path, faults: Faults) -> None:
    """What is wrong with the content is told with the variable and the file."""
    (folder / "secret").write_text("short")
    (fault,) = faults(MAESTRO_JWT_SECRET_FILE=str(folder / "secret")).values()
    assert fault.source == f"MAESTRO_JWT_SECRET_FILE ({folder / 'secret'})"
    assert "32 bytes" in fault.message
    assert "short" not in fault.message


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_secret_says_why(folder: Path, faults: Faults) -> None:
    """Missing rights are told as such."""
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0)
    (fault,) = faults(MAESTRO_JWT_SECRET_FILE=str(folder / "secret")).values()
    assert "Permission denied" in fault.message
