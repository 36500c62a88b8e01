"""Where each value comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from maestro_core_config._merging import DEFAULT, contributions, default_layer
from maestro_core_config._secrets import is_named_secret, masked
from maestro_core_config._settings import Settings, merges, part_of, shape_at
from maestro_core_config._shapes import Shape
from maestro_core_config._sources._layer import Layer, Path


@dataclass(frozen=True, slots=True)
class FieldExplanation:
    """Where one setting's value comes from."""

    name: str
    """The setting; a part of a nested one as `pool.size`."""

    value: Any
    """Its value as JSON; a secret is masked."""

    source: str
    """A variable, `file:line`, or "default"."""

    overridden: tuple[tuple[str, Any], ...] = ()
    """The sources it won over, highest first, each with the (masked) value it would have given."""

    is_live: bool = False
    """Whether the running service takes up a change of it."""


def explain(config: BaseModel, settings: Settings, layers: Sequence[Layer]) -> Iterator[FieldExplanation]:
    """Explain a configuration.

    Args:
        config: The configuration, as loaded.
        settings: Its settings.
        layers: What it was loaded from, highest first; the class's own last.

    Yields:
        One explanation per setting, in the order of the class; nested settings part by part.
    """
    layers = [*layers[:-1], default_layer(type(config), settings, settings.shapes)]
    for name, shape in settings.shapes.items():
        for path, value in parts(shape, (name,), as_json(getattr(config, name))):
            inner = shape_at(settings, path)
            given = [(layer.place(path), found) for layer, found in contributions(path, layers, settings)]
            source = given.pop(0)[0] if given else _around(path, layers, settings)
            overridden = tuple((place, masked(inner, str(path[-1]), as_json(other))) for place, other in given)
            yield FieldExplanation(
                ".".join(map(str, path)),
                masked(inner, str(path[-1]), value),
                source,
                overridden,
                is_live=inner is not None and inner.is_live,
            )


def parts(shape: Shape | None, path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """Take a value apart into what sources can give one by one.

    Args:
        shape: The value's shape.
        path: Where it is.
        value: The value, with mappings in the place of models.

    Yields:
        Path and value of each part, however deep; lists and what is secret as a whole stay whole.
    """
    is_whole = shape is None or not merges(shape) or is_named_secret(shape, str(path[-1]))
    if isinstance(value, dict) and value and shape is not None and not is_whole:
        for key, inner in value.items():
            yield from parts(part_of(shape, str(key)), (*path, key), inner)
    else:
        yield path, value


def _around(path: Path, layers: Sequence[Layer], settings: Settings) -> str:
    """Tell where a value comes from that no source gives as such.

    It is the class that gives a part which a source leaves out; what a validator makes of a text comes from that text's source.
    """
    for end in range(len(path) - 1, 0, -1):
        for layer, value in contributions(path[:end], layers, settings):
            return DEFAULT if isinstance(value, dict) else layer.place(path[:end])
    return DEFAULT


def as_json(value: Any) -> Any:
    """Return a value as JSON has it; what JSON does not know becomes text."""
    return to_jsonable_python(value, by_alias=False, fallback=str)
