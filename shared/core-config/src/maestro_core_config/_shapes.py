"""What a setting's type means to the sources: is it secret, has it parts, may it be written as a list."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Literal,
    NewType,
    NotRequired,
    Required,
    TypeGuard,
    Union,
    get_args,
    get_origin,
)

from pydantic import BaseModel, RootModel, Secret, SecretBytes, SecretStr

from maestro_core_config._marks import SecretStrength

_LISTS = (list, tuple, set, frozenset)
_SECRETS = (SecretStr, SecretBytes, Secret)
_NUMBERS = (bool, int, float, Decimal, timedelta, type(None), None)


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
    is_live: bool = False
    """The running service takes up a change of it."""
    is_number: bool = False
    """It is a number or a truth value, or none, and nothing else."""
    takes_text: bool = False
    """Any text is among its values."""
    choices: Mapping[str, Any] | None = None
    """Values that are listed one by one, by the text that means them."""
    models: tuple[type, ...] = ()
    """The classes that name its parts."""
    item_type: Any = None
    """The type that a list or a dictionary holds; None when it is not said."""
    strength: SecretStrength | None = None
    """What production asks of it; None for the ordinary rule."""

    @property
    def is_structured(self) -> bool:
        """Whether a variable writes it as JSON."""
        return self.is_list or self.is_mapping

    @property
    def item(self) -> Shape | None:
        """What a list or a dictionary holds. Looked up when asked for, because types may hold themselves."""
        return None if self.item_type is None else shape_of(self.item_type)


@lru_cache(maxsize=1024)
def _known_shape(annotation: Any) -> Shape:
    return _shape(annotation)


def shape_of(annotation: Any) -> Shape:
    """Return the shape of a type.

    Args:
        annotation: The type; unions are looked into.

    Returns:
        Its shape.
    """
    try:
        return _known_shape(annotation)
    except TypeError:  # metadata that cannot be hashed
        return _shape(annotation)


def branches_of(annotation: Any) -> Iterator[Any]:
    """Look into unions, aliases, annotations and root models.

    Args:
        annotation: A type.

    Yields:
        The types that a value may have.
    """
    origin = get_origin(annotation)
    if isinstance(annotation, NewType):
        yield from branches_of(annotation.__supertype__)
    elif (aliased := getattr(annotation, "__value__", None)) is not None and not isinstance(annotation, type):
        yield from branches_of(aliased)  # `type X = …`, which Python 3.11 has no class for
    elif origin in (Annotated, Required, NotRequired):
        yield from branches_of(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for argument in get_args(annotation):
            yield from branches_of(argument)
    elif _is_class(annotation) and issubclass(annotation, RootModel) and "root" in annotation.model_fields:
        yield from branches_of(annotation.model_fields["root"].annotation)
    else:
        yield annotation


def _shape(annotation: Any) -> Shape:
    branches = list(branches_of(annotation))
    kinds = [get_origin(branch) or branch for branch in branches]
    classes = [kind for kind in kinds if _is_class(kind)]
    models = tuple(kind for kind in classes if _names_parts(kind))
    items = [
        get_args(branch)[-1 if issubclass(kind, Mapping) else 0]
        for branch, kind in zip(branches, kinds, strict=True)
        if _is_class(kind) and issubclass(kind, (Mapping, *_LISTS)) and get_args(branch)
    ]
    # A type that is only named, as those are which hold themselves, may be anything.
    is_anything = any(kind in (Any, object) or isinstance(kind, (str, ForwardRef)) for kind in kinds)
    return Shape(
        is_secret=any(issubclass(kind, _SECRETS) for kind in classes),
        is_optional=type(None) in kinds or None in kinds or is_anything,
        is_list=any(issubclass(kind, _LISTS) for kind in classes),
        is_mapping=bool(models) or is_anything or any(issubclass(kind, Mapping) for kind in classes),
        is_duration=timedelta in kinds,
        is_number=all(kind in _NUMBERS for kind in kinds),
        takes_text=str in kinds or is_anything,
        choices=dict(_choices(branches)) or None,
        models=models,
        item_type=items[0] if items else None,
    )


def _choices(branches: list[Any]) -> Iterator[tuple[str, Any]]:
    for branch in branches:
        values: tuple[Any, ...] = ()
        if get_origin(branch) is Literal:
            values = get_args(branch)
        elif _is_class(branch) and issubclass(branch, Enum):
            values = tuple(branch)
        for value in values:
            plain = value.value if isinstance(value, Enum) else value
            if plain is not None:
                yield str(plain).lower() if isinstance(plain, bool) else str(plain), plain


def _names_parts(kind: type) -> bool:
    # Typed dictionaries are told by what they have, because there are two kinds of them before Python 3.12.
    return issubclass(kind, BaseModel) or is_dataclass(kind) or hasattr(kind, "__required_keys__")


def _is_class(kind: Any) -> TypeGuard[type]:
    return isinstance(kind, type) and get_origin(kind) is None
