"""Laying one source's values over another's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from maestro_core_config._shapes import Settings, Shape


def merge(low: dict[Any, Any], high: Mapping[Any, Any], shapes: Mapping[str, Shape]) -> dict[Any, Any]:
    """Lay values over others, part by part.

    Args:
        low: What gives way; it is not changed.
        high: What wins.
        shapes: Shape by name, which tells what has parts to merge.

    Returns:
        Both.
    """
    merged = dict(low)
    for key, value in high.items():
        below, shape = merged.get(key), shapes.get(key)
        if isinstance(below, dict) and isinstance(value, dict) and shape is not None and shape.merges:
            parts = {part: inner for part in value if (inner := shape.part(str(part))) is not None}
            value = merge(below, value, parts)  # noqa: PLW2901 - the two together are the value
        merged[key] = value
    return merged


def lay_over_defaults(model: type[BaseModel], settings: Settings, values: dict[str, Any]) -> dict[str, Any]:
    """Lay values of nested settings over the defaults in the class, which are the lowest layer.

    Without this, one variable for a part of a nested setting would throw away the other parts of its default.

    Args:
        model: The configuration's class.
        settings: Its settings.
        values: What the sources give together.

    Returns:
        The values with the parts that only the default gives.
    """
    completed = dict(values)
    for name, value in values.items():
        shape = settings.shapes[name]
        field = model.model_fields[name]
        if (
            not (isinstance(value, dict) and shape.models and shape.merges)
            or field.default_factory_takes_validated_data
        ):
            continue
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            completed[name] = merge({name: _parts(default)}, {name: value}, settings.shapes)[name]
    return completed


def _parts(value: Any) -> Any:
    return {name: _parts(inner) for name, inner in value} if isinstance(value, BaseModel) else value
