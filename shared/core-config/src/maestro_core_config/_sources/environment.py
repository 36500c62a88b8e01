"""Environment variables: `<PREFIX><FIELD>`, nested with `__`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from typing import Any

from maestro_core_config._faults import ConfigFault
from maestro_core_config._settings import Settings
from maestro_core_config._shapes import Shape
from maestro_core_config._sources._layer import Layer, Places, put
from maestro_core_config._sources._naming import names_setting, secret_of_file, target_of, written_path
from maestro_core_config._sources._spelling import renamed

_NEARLY = 0.85


def read(
    settings: Settings,
    prefix: str,
    environ: Mapping[str, str],
    *,
    is_own: bool,
    place: Callable[[str], str] = str,
) -> Layer:
    """Read settings from variables with a prefix.

    Args:
        settings: What to look for.
        prefix: Such as "MAESTRO_" or "INTELLIGENCE_SERVICE_".
        environ: The variables.
        is_own: The prefix is the service's own, so that a misspelt name cannot mean another service's setting.
        place: Tells where a variable stands. Default: it is told by its name.

    Returns:
        The values found. Variables that name no setting are left alone, unless the name is nearly right.
    """
    values: dict[str, Any] = {}
    places = Places()
    faults: list[ConfigFault] = []
    has_positions = False
    # A variable for the whole is read before those for its parts, which are laid over it.
    for variable in sorted((name for name in environ if name.startswith(prefix)), key=lambda name: name.count("__")):
        rest = variable[len(prefix) :]
        if secret_of_file(settings, rest):
            continue
        if not names_setting(settings, rest):
            if is_own and (fault := _misspelt(settings, prefix, variable, place)):
                faults.append(fault)
            continue
        try:
            path, shape = target_of(settings, rest)
            value = parse(shape, environ[variable])
        except ValueError as error:
            faults.append(ConfigFault(written_path(settings, rest), place(variable), str(error)))
        except LookupError as error:
            if is_own:
                fault = ConfigFault(
                    written_path(settings, rest), place(variable), "there is no such setting", error.args[0]
                )
                faults.append(fault)
        else:
            put(values, path, value)
            places[path] = place(variable)
            has_positions = has_positions or any(isinstance(part, int) for part in path)
    if has_positions:
        values = {name: _listed(value, (name,), places, faults) for name, value in values.items()}
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
    if shape.choices is not None and not shape.takes_text and text in shape.choices:
        return shape.choices[text]
    if not shape.is_structured:
        return _seconds(text) if shape.is_duration else text
    if text.lstrip()[:1] in ("[", "{") or (text.strip() == "null" and shape.is_optional):
        try:
            return renamed(shape, json.loads(text))
        except (ValueError, RecursionError) as error:
            if shape.takes_text:
                return text
            position = f" at character {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            raise ValueError(f"begins like JSON and is none{position}") from None
    if shape.takes_text:
        return text
    if shape.is_list:
        item = shape.item
        if item is not None and item.is_structured:
            raise ValueError("has to be a JSON list, such as [{…}, {…}]; or set its items one by one, as in …__0")
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return parts if item is None else [parse(item, part) for part in parts]
    raise ValueError("has to be a JSON object, such as {…}; or set its parts one by one, with __ between the names")


def _seconds(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # such as PT1M or 00:01:00, which validation understands


def _listed(value: Any, path: tuple[str | int, ...], places: Places, faults: list[ConfigFault]) -> Any:
    """Turn mappings by position into the lists they stand for."""
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(part, (*path, key), places, faults) for key, part in value.items()}
    if not inner or not all(isinstance(key, int) for key in inner):
        return inner
    gaps = [position for position in range(max(inner)) if position not in inner]
    if gaps:
        name = ".".join(map(str, path))
        hint = "items are counted from 0 without a gap; they replace the list of lower sources as a whole"
        faults.append(ConfigFault(name, places((*path, max(inner))), f"has no item {gaps[0]}", hint))
    return [inner[position] for position in sorted(inner)]


def _misspelt(settings: Settings, prefix: str, variable: str, place: Callable[[str], str]) -> ConfigFault | None:
    field = variable.removeprefix(prefix).partition("__")[0]
    close = difflib.get_close_matches(field, settings.variables, n=1, cutoff=_NEARLY)
    if not close:
        return None
    hint = f"did you mean {prefix}{close[0]}?"
    return ConfigFault(field.lower(), place(variable), "there is no such setting", hint)
