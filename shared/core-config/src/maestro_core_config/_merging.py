"""Laying one source's values over another's, and telling which sources a value comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo

from maestro_core_config._settings import Settings, merges, part_of, settings_of, shape_at, tag_of
from maestro_core_config._shapes import Shape
from maestro_core_config._sources._layer import Layer, Path, get

DEFAULT = "default"
"""Where a value stands that only a class gives."""


def merge(low: Mapping[str, Any], high: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Lay values over others, part by part.

    Args:
        low: What gives way; it is not changed.
        high: What wins.
        settings: What there is, which tells what has parts to merge.

    Returns:
        Both.
    """
    merged = dict(low)
    for name, value in high.items():
        merged[name] = _over(merged.get(name), value, settings.shapes.get(name))
    return merged


def default_layer(model: type[BaseModel], settings: Settings, names: Iterable[str]) -> Layer:
    """Return what a class gives, as the lowest layer.

    Args:
        model: The configuration's class.
        settings: Its settings.
        names: The settings to look at.
    """
    values = {name: default[0] for name in settings.shapes if name in names and (default := default_of(model, name))}
    return Layer(values, lambda _path: DEFAULT)


def complete(settings: Settings, values: dict[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Lay what is given of nested settings over the defaults that classes further in have for them.

    Without this, one variable for a part of a nested setting would throw away the other parts of its default.

    Args:
        settings: What there is.
        values: What the sources give together, and the default of the configuration's own class.
        defaults: What of it is that default.

    Returns:
        The values with the parts that only a default further in gives.
    """
    return {
        name: _completed(settings.shapes[name], value, defaults.get(name)) if isinstance(value, dict) else value
        for name, value in values.items()
    }


def default_of(model: type, name: str) -> tuple[Any, ...]:
    """Return the default that a class gives to a part.

    Args:
        model: A pydantic model; other classes keep their defaults to themselves.
        name: The part's name.

    Returns:
        The default in a tuple of one, mappings in the place of models; an empty tuple when there is none.
    """
    field: FieldInfo | None = model.model_fields.get(name) if issubclass(model, BaseModel) else None
    if field is None or field.is_required() or field.default_factory_takes_validated_data:
        return ()
    return (plain(field.get_default(call_default_factory=True)),)


def plain(value: Any) -> Any:
    """Return a value with mappings in the place of models and dataclasses, however deep."""
    if isinstance(value, RootModel):
        return plain(value.root)
    if isinstance(value, BaseModel):
        return {name: plain(inner) for name, inner in value}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def contributions(path: Path, layers: Sequence[Layer], settings: Settings) -> Iterator[tuple[Layer, Any]]:
    """Tell which layers have a say in a value.

    Args:
        path: The value's path.
        layers: Highest first.
        settings: What there is.

    Yields:
        Layer and the value it gives, highest first. What a higher layer has thrown away as a whole, by giving something
        else in the place of what is around the value, is left out.
    """
    for end in range(1, len(path)):
        layers = _not_replaced(path[:end], layers, settings)
    for layer in layers:
        if found := get(layer.values, path):
            yield layer, found[0]


def _not_replaced(path: Path, layers: Sequence[Layer], settings: Settings) -> Sequence[Layer]:
    """Leave the layers whose parts of a setting count."""
    shape = shape_at(settings, path)
    for index, layer in enumerate(layers):
        if around := get(layer.values, path):
            if not isinstance(around[0], dict):
                return layers[:index]
            if shape is not None and not merges(shape):
                return layers[: index + 1]
    tag = None if shape is None else tag_of(shape.models)
    if tag is None:
        return layers
    end = len(layers)
    meant: tuple[Any, ...] = ()
    for index in reversed(range(len(layers))):
        if found := get(layers[index].values, (*path, tag)):
            if meant and found != meant:
                end = index + 1  # another class of the union: begun anew
            meant = found
    return layers[:end]


def _over(below: Any, value: Any, shape: Shape | None) -> Any:
    if not (isinstance(below, dict) and isinstance(value, dict) and shape is not None and merges(shape)):
        return value
    tag = tag_of(shape.models)
    if tag is not None and tag in value and below.get(tag, value[tag]) != value[tag]:
        return value  # another class of the union: nothing of the lower layer's belongs to it
    merged = dict(below)
    for part, inner in value.items():
        merged[part] = _over(merged.get(part), inner, part_of(shape, str(part)))
    return merged


def _completed(shape: Shape, value: dict[Any, Any], default: Any) -> dict[Any, Any]:
    if not merges(shape):
        return value
    model = _meant(shape, value)
    completed = dict(value)
    for part, inner in value.items():
        inner_shape = part_of(shape, str(part))
        if not isinstance(inner, dict) or inner_shape is None:
            continue
        if isinstance(default, dict) and part in default:
            completed[part] = _completed(inner_shape, inner, default[part])
            continue
        inner_default = default_of(model, str(part)) if model is not None else ()
        below = inner_default[0] if inner_default else None
        completed[part] = _completed(inner_shape, _over(below, inner, inner_shape), below)
    return completed


def _meant(shape: Shape, value: Mapping[Any, Any]) -> type | None:
    """Return the class that a mapping is of; None for a plain mapping, or when nothing tells."""
    if len(shape.models) <= 1:
        return shape.models[0] if shape.models else None
    tag = tag_of(shape.models)
    for model in shape.models:
        part = settings_of(model).shapes.get(tag or "")
        if part is not None and part.choices is not None and value.get(tag) in part.choices.values():
            return model
    return None
