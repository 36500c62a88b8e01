"""The settings of a class by name: which there are, what they are called in files and variables, what is below them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from maestro_core_config._marks import LIVE, SecretStrength
from maestro_core_config._shapes import Shape, branches_of, shape_of

ANYTHING = Shape(takes_text=True)
"""A value that nothing is said about."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A class, as far as sources care."""

    shapes: Mapping[str, Shape]
    """Shape by field name."""
    names: Mapping[str, str]
    """Field name by each name that a file may use: the field's own and its aliases."""
    variables: Mapping[str, str]
    """Field name by what a variable calls it: in capitals, aliases included."""


@lru_cache(maxsize=256)
def settings_of(model: type) -> Settings:
    """Return what sources need to know about a class.

    Args:
        model: A pydantic model, a dataclass or a typed dictionary.

    Returns:
        Its settings.
    """
    if issubclass(model, BaseModel):
        shapes = {name: _shape_of_field(field) for name, field in model.model_fields.items()}
        names = {alias: name for name, field in model.model_fields.items() for alias in _aliases(field)}
    else:
        shapes = {name: shape_of(hint) for name, hint in get_type_hints(model, include_extras=True).items()}
        names = {}
    names |= {name: name for name in shapes}
    return Settings(shapes, names, {name.upper(): field for name, field in names.items()})


def part_of(shape: Shape, name: str) -> Shape | None:
    """Return the shape of a part.

    Args:
        shape: What it is part of.
        name: The part's name, by field or alias.

    Returns:
        Its shape; None when there is no such part.
    """
    for model in shape.models:
        settings = settings_of(model)
        if (field := settings.names.get(name)) is not None:
            part = settings.shapes[field]
            return replace(part, is_live=True) if shape.is_live and not part.is_live else part
    if shape.is_mapping and not shape.models:
        return shape.item or ANYTHING
    return None


def shape_at(settings: Settings, path: tuple[str | int, ...]) -> Shape | None:
    """Return the shape of a setting or of its part, however deep.

    Args:
        settings: What there is.
        path: Names and positions, from the outside in.

    Returns:
        Its shape; None when there is nothing of that name.
    """
    shape = settings.shapes.get(str(path[0]))
    for part in path[1:]:
        if shape is None:
            return None
        shape = shape.item if isinstance(part, int) and shape.is_list else part_of(shape, str(part))
    return shape


@lru_cache(maxsize=256)
def tag_of(models: tuple[type, ...]) -> str | None:
    """Return the part that tells which class of a union is meant.

    Args:
        models: The union's classes.

    Returns:
        A name that all of them have, each with values of its own (`kind: Literal["basic"]`); None when there is none.
    """
    if len(models) < 2:
        return None
    first, *others = [_literals(model) for model in models]
    for name, values in first.items():
        seen = set(values)
        for other in others:
            mine = other.get(name)
            if mine is None or seen & set(mine):
                break
            seen |= set(mine)
        else:
            return name
    return None


def merges(shape: Shape) -> bool:
    """Tell whether layers are merged part by part; not so where nothing tells which class of a union a layer means."""
    return shape.is_mapping and (len(shape.models) <= 1 or tag_of(shape.models) is not None)


def _literals(model: type) -> dict[str, tuple[Any, ...]]:
    hints = (
        {name: field.annotation for name, field in model.model_fields.items()}
        if issubclass(model, BaseModel)
        else get_type_hints(model)
    )
    found = {}
    for name, hint in hints.items():
        branches = list(branches_of(hint))
        if branches and all(get_origin(branch) is Literal for branch in branches):
            found[name] = tuple(value for branch in branches for value in get_args(branch))
    return found


def _shape_of_field(field: FieldInfo) -> Shape:
    shape = shape_of(field.annotation)
    strength = next((mark for mark in field.metadata if isinstance(mark, SecretStrength)), None)
    if LIVE in field.metadata or strength is not None:
        shape = replace(shape, is_live=LIVE in field.metadata, strength=strength)
    return shape


def _aliases(field: FieldInfo) -> list[str]:
    given: list[object] = [field.alias, field.validation_alias]
    if isinstance(field.validation_alias, AliasChoices):
        given += field.validation_alias.choices
    return [alias for alias in given if isinstance(alias, str)]
