"""Keys that no setting has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from maestro_core_config._faults import ConfigFault, did_you_mean
from maestro_core_config._settings import Settings, part_of, settings_of
from maestro_core_config._shapes import Shape
from maestro_core_config._sources._layer import Layer, Path

SCHEMA_KEY = "$schema"
"""The key by which a JSON file tells editors where its schema is; it is no setting."""


def unknown_keys(settings: Settings, layer: Layer, *, may_hold_others: bool) -> Iterator[ConfigFault]:
    """Find keys that no setting has, however deep.

    Args:
        settings: What there is.
        layer: A source's values, by the names that it uses.
        may_hold_others: The source is shared, so that keys unknown at the top may belong to other services.

    Yields:
        A fault for each.
    """
    for key, value in layer.values.items():
        name = settings.names.get(key)
        if name is not None:
            yield from _inside(settings.shapes[name], value, (key,), layer)
        elif not may_hold_others and key != SCHEMA_KEY:
            yield _fault(layer, (key,), settings.names)


def _inside(shape: Shape, value: Any, path: Path, layer: Layer) -> Iterator[ConfigFault]:
    if isinstance(value, list) and shape.item is not None:
        for index, item in enumerate(value):
            yield from _inside(shape.item, item, (*path, index), layer)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        inner = part_of(shape, str(key))
        if inner is not None:
            yield from _inside(inner, item, (*path, key), layer)
        elif shape.models and not any(_allows_extra(model) for model in shape.models):
            known = {part: part for model in shape.models for part in settings_of(model).names}
            yield _fault(layer, (*path, key), known)


def _allows_extra(model: type) -> bool:
    return bool(getattr(model, "model_config", {}).get("extra") == "allow")


def _fault(layer: Layer, path: Path, known: Mapping[str, str]) -> ConfigFault:
    hint = did_you_mean(str(path[-1]), known) or f"there are: {', '.join(sorted(known))}"
    return ConfigFault(".".join(map(str, path)), layer.place(path), "there is no such setting", hint)
