"""Settings under the names that a source uses, turned into settings by field name."""

from __future__ import annotations

from typing import Any

from maestro_core_config._settings import Settings, part_of, settings_of
from maestro_core_config._shapes import Shape
from maestro_core_config._sources._layer import Layer, Path


def by_field(layer: Layer, settings: Settings) -> Layer:
    """Keep of a file what a class has settings for, and call every part by its field's name.

    Args:
        layer: A file's values, by the names that the file uses.
        settings: What there is.

    Returns:
        The same by field name; places are still found.
    """
    written: dict[Path, Path] = {}
    values = {}
    for key, value in layer.values.items():
        if (name := settings.names.get(key)) is not None:
            values[name] = _renamed(settings.shapes[name], value, (name,), (key,), written)

    def place(path: Path) -> str:
        for end in range(len(path), 0, -1):
            if (known := written.get(path[:end])) is not None:
                return layer.place((*known, *path[end:]))
        return layer.place(path)

    return Layer(values, place if written else layer.place, layer.faults, layer.found)


def renamed(shape: Shape, value: Any) -> Any:
    """Call every part of a value by its field's name.

    Args:
        shape: The value's shape.
        value: The value; what no setting is called so keeps its name.

    Returns:
        The same by field name.
    """
    return _renamed(shape, value, (), (), {})


def _renamed(shape: Shape, value: Any, path: Path, as_written: Path, written: dict[Path, Path]) -> Any:
    if path != as_written:
        written[path] = as_written
    if isinstance(value, list) and shape.item is not None:
        item = shape.item
        return [
            _renamed(item, inner, (*path, index), (*as_written, index), written) for index, inner in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, inner in value.items():
        name = next((found for model in shape.models if (found := settings_of(model).names.get(key))), key)
        part = part_of(shape, str(name))
        result[name] = inner if part is None else _renamed(part, inner, (*path, name), (*as_written, key), written)
    return result
