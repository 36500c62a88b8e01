"""Environment variables: `<PREFIX>_<FIELD>`, nested with `__`, secrets also from the file that `…_FILE` names."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from maestro_core_config._faults import ConfigFault
from maestro_core_config._sources._layer import Layer


def read(model: type[BaseModel], prefix: str, environ: Mapping[str, str]) -> Layer:
    """Read a model's fields from variables with a prefix.

    Args:
        model: Whose fields to look for.
        prefix: Such as "MAESTRO" or "INTELLIGENCE_SERVICE".
        environ: The variables.

    Returns:
        The values found; variables that name no field are left alone.
    """
    layer = Layer()
    for name, field in model.model_fields.items():
        variable = f"{prefix}_{name.upper()}"
        if variable in environ:
            _put(layer, (name,), field.annotation, environ[variable], variable)
        elif f"{variable}_FILE" in environ and _holds(field.annotation, SecretStr):
            _put_from_file(layer, name, environ[f"{variable}_FILE"], f"{variable}_FILE")
        nested = sorted(key for key in environ if key.startswith(f"{variable}__"))
        for key in nested:
            parts = key.removeprefix(f"{variable}__").lower().split("__")
            _put(layer, (name, *parts), _inner(field.annotation, parts), environ[key], key)
    return layer


def _put(layer: Layer, path: tuple[str, ...], annotation: Any, text: str, variable: str) -> None:
    if not _is_structured(annotation):
        layer.put(path, text, variable)
        return
    if text.lstrip()[:1] in ("[", "{") or text.strip() == "null":
        try:
            layer.put(path, json.loads(text), variable)
        except ValueError as error:
            field = ".".join(path)
            layer.faults.append(ConfigFault(field, variable, f"is no JSON: {error}"))
    elif _holds(annotation, list, tuple, set, frozenset):
        layer.put(path, [part.strip() for part in text.split(",") if part.strip()], variable)
    else:
        layer.put(path, text, variable)


def _put_from_file(layer: Layer, name: str, file: str, variable: str) -> None:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        layer.faults.append(ConfigFault(name, variable, f"the secret's file {file} cannot be read: {reason}"))
        return
    layer.put((name,), text.strip(), f"{variable} ({file})")


def _branches(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        return _branches(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [branch for arg in get_args(annotation) for branch in _branches(arg)]
    return [annotation]


def _holds(annotation: Any, *kinds: type) -> bool:
    return any((get_origin(branch) or branch) in kinds for branch in _branches(annotation))


def _is_structured(annotation: Any) -> bool:
    return any(
        (get_origin(branch) or branch) in (list, tuple, set, frozenset, dict)
        or (isinstance(branch, type) and issubclass(branch, BaseModel))
        for branch in _branches(annotation)
    )


def _inner(annotation: Any, parts: list[str]) -> Any:
    for branch in _branches(annotation):
        if isinstance(branch, type) and issubclass(branch, BaseModel):
            field = branch.model_fields.get(parts[0])
            if field is not None:
                return field.annotation if len(parts) == 1 else _inner(field.annotation, parts[1:])
        if get_origin(branch) is dict:
            return get_args(branch)[1] if len(parts) == 1 else _inner(get_args(branch)[1], parts[1:])
    return str
