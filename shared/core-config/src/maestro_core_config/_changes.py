"""What changes between two configurations, and which of it a running service takes up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from maestro_core_config._explanation import as_json, parts
from maestro_core_config._merging import plain
from maestro_core_config._model import BaseConfig
from maestro_core_config._reading import Reading
from maestro_core_config._secrets import masked
from maestro_core_config._settings import Settings, merges, part_of, settings_of, shape_at
from maestro_core_config._shapes import Shape
from maestro_core_config._sources._layer import Path
from maestro_core_config._validation import source_of

M = TypeVar("M", bound=BaseConfig)
B = TypeVar("B", bound=BaseModel)
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting that has another value than before."""

    name: str
    """The setting; a part of a nested one as `pool.size`."""
    before: Any
    """What it was, as JSON; a secret is masked. None when it was not there."""
    after: Any
    """What it is now; likewise."""
    source: str
    """Where the new value comes from: a variable, `file:line`, or "default"."""

    def __str__(self) -> str:
        values = "changed" if self.before == self.after else f"{self.before!r} → {self.after!r}"
        return f"{self.name} {values} (from {self.source})"


@dataclass(frozen=True, slots=True)
class ConfigChange(Generic[M]):
    """A change that the service has taken up."""

    config: M
    """The configuration now."""
    previous: M
    """The configuration before."""
    changes: tuple[SettingChange, ...]
    """What is different, setting by setting, in the order of the class."""

    def touches(self, *names: str) -> bool:
        """Tell whether one of some settings has changed.

        Args:
            *names: Settings, or parts of them; a nested setting means all of its parts.
        """
        return any(
            change.name == name or change.name.startswith(f"{name}.") or name.startswith(f"{change.name}.")
            for change in self.changes
            for name in names
        )


ChangeCallback = Callable[[ConfigChange[M]], Awaitable[None] | None]
"""What is called with each change; it may be a coroutine function."""


def difference(before: M, after: M, reading: Reading) -> tuple[SettingChange, ...]:
    """Compare two configurations.

    Args:
        before: The one.
        after: The other.
        reading: What the other was read from.

    Returns:
        What is different.
    """
    settings = reading.settings
    old, new = dict(_leaves(settings, before)), dict(_leaves(settings, after))
    names = list(settings.shapes)
    paths = sorted({*old, *new}, key=lambda path: names.index(str(path[0])))
    return tuple(
        SettingChange(
            ".".join(map(str, path)),
            _masked(settings, path, old.get(path)),
            _masked(settings, path, new.get(path)),
            source_of(path, reading.layers, settings),
        )
        for path in paths
        if old.get(path, _ABSENT) != new.get(path, _ABSENT)
    )


def taken_up(settings: Settings, running: dict[str, Any], read: dict[str, Any]) -> dict[str, Any]:
    """Choose of new values what a running service takes up.

    Args:
        settings: What there is.
        running: The values that the service runs with.
        read: What the sources give now.

    Returns:
        New values of settings that are live, the old ones of all others.
    """
    return _taken_up({name: (shape, shape.is_live) for name, shape in settings.shapes.items()}, running, read)


def adopt(current: B, validated: B, shape: Shape | None = None) -> B:
    """Put live values into a configuration; everything else stays the very object that it was.

    Args:
        current: The configuration that the service runs with.
        validated: A valid configuration with the new values. What its factories have made is left out.
        shape: The shape of the setting that `current` is; None for the whole configuration.

    Returns:
        A copy of the configuration.
    """
    update: dict[str, Any] = {}
    for name, own in settings_of(type(current)).shapes.items():
        part = (part_of(shape, name) if shape is not None else None) or own
        before, after = getattr(current, name), getattr(validated, name)
        if part.is_live:
            update[name] = after
        elif isinstance(before, BaseModel) and type(before) is type(after) and _has_live(part):
            update[name] = adopt(before, after, part)
    return current.model_copy(update=update)


def _taken_up(parts_: dict[str, tuple[Shape, bool]], running: dict[str, Any], read: dict[str, Any]) -> dict[str, Any]:
    result = dict(running)
    for name, (shape, is_live) in parts_.items():
        if is_live:
            result.pop(name, None)
            if name in read:
                result[name] = read[name]
        elif _has_live(shape):
            before, after = running.get(name, {}), read.get(name, {})
            if isinstance(before, dict) and isinstance(after, dict):
                result.pop(name, None)
                inner = _taken_up(_parts_of(shape), before, after)
                if inner or (name in running and name in read):
                    result[name] = inner
    return result


def _parts_of(shape: Shape) -> dict[str, tuple[Shape, bool]]:
    return {name: (part, part.is_live) for model in shape.models for name, part in settings_of(model).shapes.items()}


def _has_live(shape: Shape) -> bool:
    """Tell whether some part of a nested setting is live. Parts of lists and of unions are not told apart."""
    if len(shape.models) != 1 or shape.is_list or not merges(shape):
        return False
    return any(is_live or _has_live(part) for part, is_live in _parts_of(shape).values())


def _leaves(settings: Settings, config: BaseModel) -> Iterator[tuple[Path, Any]]:
    for name, shape in settings.shapes.items():
        yield from parts(shape, (name,), plain(getattr(config, name)))


def _masked(settings: Settings, path: Path, value: Any) -> Any:
    return masked(shape_at(settings, path), str(path[-1]), as_json(value))
