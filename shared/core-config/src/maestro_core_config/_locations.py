"""Where a service's configuration is looked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from maestro_core_config._faults import ConfigFault
from maestro_core_config._sources import dotenv

FOLDER_VARIABLE = "MAESTRO_CONFIG_DIR"
SECRETS_VARIABLE = "MAESTRO_SECRETS_DIR"
ENV_FILE_VARIABLE = "MAESTRO_ENV_FILE"
VARIABLES = frozenset({FOLDER_VARIABLE, SECRETS_VARIABLE, ENV_FILE_VARIABLE})
ENV_FILE = ".env"


@dataclass(slots=True)
class Locations:
    """Files and folders, found."""

    env_file: dotenv.Dotenv
    """The variables of the `.env` file; without any when there is none."""
    folder: Path
    """The folder of configuration files, there or not."""
    names: frozenset[str]
    """What is in it."""
    secrets_folder: Path | None
    """The folder that has a file for each secret; None when none is named."""
    secret_names: list[str]
    """What is in it."""
    faults: list[ConfigFault] = field(default_factory=list)
    """What was named and is not there."""


def find(config_dir: Path | str | None, env_file: Path | str | None, environ: Mapping[str, str]) -> Locations:
    """Find out where to look.

    Args:
        config_dir: The folder of configuration files that the program names; None leaves it to `MAESTRO_CONFIG_DIR`, else `./config`.
        env_file: The `.env` file that the program names; None leaves it to `MAESTRO_ENV_FILE`, else `./.env`; empty text means none.
        environ: The variables of the process.

    Returns:
        Where to look; a folder or file that is named and not there is a fault.
    """
    named = environ.get(ENV_FILE_VARIABLE) if env_file is None else str(env_file)
    path = Path(ENV_FILE if named is None else named)
    variables = dotenv.Dotenv(path) if named == "" else dotenv.read(path)
    faults = list(variables.faults)
    if named and not variables.is_found:
        source = ENV_FILE_VARIABLE if env_file is None else "env_file"
        faults.append(ConfigFault("", source, f"there is no file {path}", "create it, or name another one"))

    def named_folder(variable: str) -> str | None:
        return environ.get(variable) or variables.variables.get(variable)

    given = config_dir or named_folder(FOLDER_VARIABLE)
    folder = Path(given or "config")
    names = _listed(folder)
    if given and names is None:
        source = "config_dir" if config_dir else FOLDER_VARIABLE
        faults.append(_no_folder(source, folder))
    secrets_given = named_folder(SECRETS_VARIABLE)
    secrets_folder = Path(secrets_given) if secrets_given else None
    secret_names = None if secrets_folder is None else _listed(secrets_folder)
    if secrets_folder is not None and secret_names is None:
        faults.append(_no_folder(SECRETS_VARIABLE, secrets_folder))
    return Locations(variables, folder, frozenset(names or ()), secrets_folder, secret_names or [], faults)


def _listed(folder: Path) -> list[str] | None:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are what is wanted, and it costs a third
    except OSError:
        return None


def _no_folder(source: str, folder: Path) -> ConfigFault:
    return ConfigFault("", source, f"there is no folder {folder}", "create it, or name another one")
