"""Secrets in files of their own, as container platforms mount them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any

from maestro_core_config._faults import ConfigFault
from maestro_core_config._settings import Settings
from maestro_core_config._sources._layer import Layer, Places, put
from maestro_core_config._sources._naming import secret_named, secret_of_file


def read(settings: Settings, prefix: str, environ: Mapping[str, str], *, place: Callable[[str], str] = str) -> Layer:
    """Read secrets from the files that variables name.

    Args:
        settings: What to look for; only secrets are read from files.
        prefix: Such as "MAESTRO_" or "INTELLIGENCE_SERVICE_".
        environ: The variables.
        place: Tells where a variable stands. Default: it is told by its name.

    Returns:
        The secrets found, without the line end that editors leave. A file that cannot be read, or is empty, is a fault.
    """
    values: dict[str, Any] = {}
    places = Places()
    faults: list[ConfigFault] = []
    found: list[str] = []
    for variable, file in environ.items():
        if not (variable.startswith(prefix) and file):
            continue
        path = secret_of_file(settings, variable[len(prefix) :])
        if path is None:
            continue
        found.append(file)
        try:
            put(values, path, _content(FilePath(file)))
        except ValueError as error:
            hint = f"write the secret into {file}, or let {variable} name another file"
            faults.append(ConfigFault(".".join(map(str, path)), place(variable), str(error), hint))
        places[path] = f"{place(variable)} ({file})"
    return Layer(values, places, faults, tuple(found))


def read_folder(settings: Settings, prefix: str, folder: FilePath, names: list[str]) -> Layer:
    """Read secrets from a folder that has a file for each, called as the variable would be, in capitals or not.

    Args:
        settings: What to look for; other files are left alone.
        prefix: Such as "MAESTRO_" or "INTELLIGENCE_SERVICE_".
        folder: The folder.
        names: The files in it.

    Returns:
        The secrets found. A file that cannot be read, or is empty, is a fault.
    """
    values: dict[str, Any] = {}
    places = Places()
    faults: list[ConfigFault] = []
    found: list[str] = []
    for name in sorted(names):
        variable = name.upper().replace("-", "_")
        path = secret_named(settings, variable[len(prefix) :]) if variable.startswith(prefix) else None
        if path is None:
            continue
        file = folder / name
        found.append(str(file))
        try:
            put(values, path, _content(file))
        except ValueError as error:
            faults.append(ConfigFault(".".join(map(str, path)), str(file), str(error), f"write the secret into {file}"))
        places[path] = str(file)
    return Layer(values, places, faults, tuple(found))


def _content(file: FilePath) -> str:
    try:
        text = file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"the file {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"the file {file} is not UTF-8 text") from None
    if not text:
        raise ValueError(f"the file {file} is empty")
    return text
