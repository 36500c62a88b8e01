"""Environment variables: `<PREFIX><FIELD>`, nested with `__`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

from maestro_core_config._faults import ConfigFault
from maestro_core_config._shapes import Settings, Shape
from maestro_core_config._sources._layer import Layer, Places, put
from maestro_core_config._sources._naming import inner_shape, path_of, secret_of_file

_NEARLY = 0.85


def read(settings: Settings, prefix: str, environ: Mapping[str, str], *, is_own: bool) -> Layer:
    """Read settings from variables with a prefix.

    Args:
        settings: What to look for.
        prefix: Such as "MAESTRO_" or "INTELLIGENCE_SERVICE_".
        environ: The variables.
        is_own: The prefix is the service's own, so that a misspelt name cannot mean another service's setting.

    Returns:
        The values found. Variables that name no setting are left alone, unless the name is nearly right.
    """
    values: dict[str, Any] = {}
    places = Places()
    faults: list[ConfigFault] = []
    # A variable for the whole is read before those for its parts, which are laid over it.
    for variable in sorted((name for name in environ if name.startswith(prefix)), key=lambda name: name.count("__")):
        rest = variable[len(prefix) :]
        if secret_of_file(settings, rest):
            continue
        path = path_of(settings, rest)
        if path is None:
            if is_own and (fault := _misspelt(settings, prefix, variable)):
                faults.append(fault)
            continue
        try:
            value = parse(inner_shape(settings, path), environ[variable])
        except ValueError as error:
            faults.append(ConfigFault(".".join(map(str, path)), variable, str(error)))
        except LookupError as error:
            if is_own:
                faults.append(ConfigFault(".".join(map(str, path)), variable, "there is no such setting", str(error)))
        else:
            put(values, path, value)
            places[path] = variable
    return Layer(values, places, faults)


def parse(shape: Shape, text: str) -> Any:
    """Turn a variable's text into a value that validation understands.

    Args:
        shape: The setting's shape.
        text: What the variable holds.

    Returns:
        What JSON gives for a structured setting, a list for text separated by commas, seconds for a duration given as a
        number, None for an empty variable of a setting that may be None; else the text itself.

    Raises:
        ValueError: It begins like JSON and is none, or it can only be given as JSON.
    """
    if text == "" and shape.is_optional:
        return None
    if not shape.is_structured:
        return _seconds(text) if shape.is_duration else text
    if text.lstrip()[:1] in ("[", "{") or (text.strip() == "null" and shape.is_optional):
        try:
            return json.loads(text)
        except ValueError as error:
            if shape.takes_text:
                return text
            position = f" at character {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            raise ValueError(f"begins like JSON and is none{position}") from None
    if shape.takes_text:
        return text
    if shape.is_list:
        if shape.item is not None and shape.item.is_structured:
            raise ValueError("has to be a JSON list, such as [{…}, {…}]")
        return [part.strip() for part in text.split(",") if part.strip()]
    raise ValueError("has to be a JSON object, such as {…}; or set its parts one by one, with __ between the names")


def _seconds(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # such as PT1M or 00:01:00, which validation understands


def _misspelt(settings: Settings, prefix: str, variable: str) -> ConfigFault | None:
    field = variable.removeprefix(prefix).partition("__")[0]
    close = difflib.get_close_matches(field, settings.variables, n=1, cutoff=_NEARLY)
    if not close:
        return None
    return ConfigFault(field.lower(), variable, "there is no such setting", f"did you mean {prefix}{close[0]}?")
