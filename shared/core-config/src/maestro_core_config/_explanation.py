"""Where each value comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from maestro_core_config._secrets import is_named_secret, masked
from maestro_core_config._shapes import Settings, Shape
from maestro_core_config._sources._layer import Layer, Path, get
from maestro_core_config._validation import source_of

DEFAULT = "default"


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


def explain(config: BaseModel, settings: Settings, layers: Sequence[Layer]) -> Iterator[FieldExplanation]:
    """Explain a configuration.

    Args:
        config: The configuration, as loaded.
        settings: Its settings.
        layers: What it was loaded from, highest first.

    Yields:
        One explanation per setting, in the order of the class; nested settings part by part.
    """
    for name, shape in settings.shapes.items():
        for path, value in _parts(shape, (name,), _as_json(getattr(config, name))):
            yield _explained(config, settings, layers, path, value)


def _explained(
    config: BaseModel, settings: Settings, layers: Sequence[Layer], path: Path, value: Any
) -> FieldExplanation:
    inner = _shape(settings, path)
    name = str(path[-1])
    given = [(layer.place(path), found[0]) for layer in layers if (found := get(layer.values, path))]
    default = _default(config, path)
    if default:
        given.append((DEFAULT, default[0]))
    source = given.pop(0)[0] if given else source_of(path, layers)
    overridden = tuple((place, masked(inner, name, _as_json(other))) for place, other in given)
    return FieldExplanation(".".join(map(str, path)), masked(inner, name, value), source, overridden)


def _parts(shape: Shape | None, path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    is_whole = shape is None or not shape.merges or is_named_secret(shape, str(path[-1]))
    if isinstance(value, dict) and value and shape is not None and not is_whole:
        for key, inner in value.items():
            yield from _parts(shape.part(str(key)), (*path, key), inner)
    else:
        yield path, value


def _shape(settings: Settings, path: Path) -> Shape | None:
    shape: Shape | None = settings.shapes[str(path[0])]
    for part in path[1:]:
        shape = shape and shape.part(str(part))
    return shape


def _default(config: BaseModel, path: Path) -> tuple[Any, ...]:
    field = type(config).model_fields[str(path[0])]
    if field.is_required() or field.default_factory_takes_validated_data:
        return ()
    return get({path[0]: _as_json(field.get_default(call_default_factory=True))}, path)


def _as_json(value: Any) -> Any:
    return to_jsonable_python(value, fallback=str)
