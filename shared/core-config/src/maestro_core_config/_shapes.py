"""What a setting's type means to the sources: is it secret, has it parts, may it be written as a list."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, NewType, Union, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import AliasChoices, BaseModel, Secret, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

_LISTS = (list, tuple, set, frozenset)
_SECRETS = (SecretStr, SecretBytes, Secret)


@dataclass(frozen=True, slots=True)
class Shape:
    """A type, as far as sources care."""

    is_secret: bool = False
    """Its value is never shown."""
    is_optional: bool = False
    """None is among its values."""
    is_list: bool = False
    """It holds items in order, or a set of them."""
    is_mapping: bool = False
    """It holds parts by name: a model, a dataclass, a dictionary."""
    is_duration: bool = False
    """It is a span of time, which a plain number gives in seconds."""
    takes_text: bool = False
    """Any text is among its values."""
    models: tuple[type, ...] = ()
    """The classes that name its parts."""
    item: Shape | None = None
    """What a list or a dictionary holds."""

    @property
    def is_structured(self) -> bool:
        """Whether a variable writes it as JSON."""
        return self.is_list or self.is_mapping

    @property
    def merges(self) -> bool:
        """Whether layers are merged part by part; not so where each layer may mean another class."""
        return self.is_mapping and len(self.models) <= 1

    def part(self, name: str) -> Shape | None:
        """Return the shape of a part.

        Args:
            name: The part's name.

        Returns:
            Its shape; None when there is no such part.
        """
        for model in self.models:
            if name in (parts := parts_of(model)):
                return parts[name]
        if self.is_mapping and not self.models:
            return self.item or Shape(takes_text=True)
        return None


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration class, as far as sources care."""

    shapes: Mapping[str, Shape]
    """Shape by field name."""
    names: Mapping[str, str]
    """Field name by each name that a file may use: the field's own and its aliases."""
    variables: Mapping[str, str]
    """Field name by what follows the prefix in a variable's name."""


@lru_cache(maxsize=256)
def settings_of(model: type[BaseModel]) -> Settings:
    """Return what sources need to know about a class.

    Args:
        model: The configuration's class.

    Returns:
        Its settings.
    """
    names = {alias: name for name, field in model.model_fields.items() for alias in _aliases(field)}
    names.update({name: name for name in model.model_fields})
    return Settings(
        shapes={name: shape_of(field.annotation) for name, field in model.model_fields.items()},
        names=names,
        variables={name.upper(): name for name in model.model_fields},
    )


@lru_cache(maxsize=256)
def parts_of(model: type) -> Mapping[str, Shape]:
    """Return the parts of a nested class.

    Args:
        model: A pydantic model, a dataclass or a typed dictionary.

    Returns:
        Shape by part name, aliases included.
    """
    if issubclass(model, BaseModel):
        settings = settings_of(model)
        return {alias: settings.shapes[name] for alias, name in settings.names.items()}
    return {name: shape_of(hint) for name, hint in get_type_hints(model, include_extras=True).items()}


def shape_of(annotation: Any) -> Shape:
    """Return the shape of a type.

    Args:
        annotation: The type; unions are looked into.

    Returns:
        Its shape.
    """
    branches = _branches(annotation)
    kinds = [get_origin(branch) or branch for branch in branches]
    classes = [kind for kind in kinds if isinstance(kind, type)]
    models = tuple(kind for kind in classes if _names_parts(kind))
    items = [
        get_args(branch)[-1 if issubclass(kind, dict) else 0]
        for branch, kind in zip(branches, kinds, strict=True)
        if isinstance(kind, type) and issubclass(kind, (dict, Mapping, *_LISTS)) and get_args(branch)
    ]
    is_anything = Any in kinds or object in kinds
    return Shape(
        is_secret=any(issubclass(kind, _SECRETS) for kind in classes),
        is_optional=type(None) in kinds or None in kinds or is_anything,
        is_list=any(issubclass(kind, _LISTS) for kind in classes),
        is_mapping=bool(models) or is_anything or any(issubclass(kind, (dict, Mapping)) for kind in classes),
        is_duration=timedelta in kinds,
        takes_text=str in kinds or is_anything,
        models=models,
        item=shape_of(items[0]) if items else None,
    )


def _names_parts(kind: type) -> bool:
    return issubclass(kind, BaseModel) or is_dataclass(kind) or is_typeddict(kind)


def _branches(annotation: Any) -> list[Any]:
    if isinstance(annotation, NewType):
        return _branches(annotation.__supertype__)
    if (
        aliased := getattr(annotation, "__value__", None)
    ) is not None:  # a `type X = …` alias, which 3.11 has no class for
        return _branches(aliased)
    origin = get_origin(annotation)
    if origin is Annotated:
        return _branches(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [branch for argument in get_args(annotation) for branch in _branches(argument)]
    return [annotation]


def _aliases(field: FieldInfo) -> list[str]:
    given = [field.alias, field.validation_alias]
    if isinstance(field.validation_alias, AliasChoices):
        given += [choice for choice in field.validation_alias.choices if isinstance(choice, str)]
    return [alias for alias in given if isinstance(alias, str)]
