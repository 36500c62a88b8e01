"""Secrets from files: `<PREFIX><FIELD>_FILE` names the file, as container platforms mount them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from maestro_core_config._faults import ConfigFault
from maestro_core_config._shapes import Settings
from maestro_core_config._sources._layer import Layer, Places, put
from maestro_core_config._sources._naming import secret_of_file


def read(settings: Settings, prefix: str, environ: Mapping[str, str]) -> Layer:
    """Read secrets from the files that variables name.

    Args:
        settings: What to look for; only secrets are read from files.
        prefix: Such as "MAESTRO_" or "INTELLIGENCE_SERVICE_".
        environ: The variables.

    Returns:
        The secrets found, without the line end that editors leave. A file that cannot be read, or is empty, is a fault.
    """
    values: dict[str, Any] = {}
    places = Places()
    faults: list[ConfigFault] = []
    for variable, file in environ.items():
        if not (variable.startswith(prefix) and file):
            continue
        path = secret_of_file(settings, variable[len(prefix) :])
        if path is None:
            continue
        try:
            put(values, path, _content(FilePath(file)))
        except ValueError as error:
            hint = f"write the secret into {file}, or let {variable} name another file"
            faults.append(ConfigFault(".".join(map(str, path)), variable, str(error), hint))
        places[path] = f"{variable} ({file})"
    return Layer(values, places, faults)


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
