"""One source's values, and where each of them stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from maestro_core_config._faults import ConfigFault

Path = tuple[str | int, ...]


def _nowhere(_path: Path) -> str:
    return "nowhere"


@dataclass(slots=True)
class Layer:
    """What one source gives."""

    values: dict[str, Any] = field(default_factory=dict)
    """Nested values by field name."""

    place: Callable[[Path], str] = _nowhere
    """Tells where a value stands: a variable or `file:line`. Asked only for what is reported."""

    faults: list[ConfigFault] = field(default_factory=list)
    """What is wrong with the source itself."""


def by_field(layer: Layer, names: Mapping[str, str]) -> Layer:
    """Keep of a file what a class has settings for.

    Args:
        layer: A file's values, by the names that the file uses.
        names: Field name by each name that a file may use.

    Returns:
        The same by field name.
    """
    written = {names[key]: key for key in layer.values if key in names}
    values = {field: layer.values[key] for field, key in written.items()}
    return Layer(values, lambda path: layer.place((written.get(str(path[0]), path[0]), *path[1:])), layer.faults)


class Places:
    """Remembers where each value was put; a part stands where the whole stands that it came with."""

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}

    def __setitem__(self, path: Path, place: str) -> None:
        self._known[path] = place

    def __call__(self, path: Path) -> str:
        for end in range(len(path), 0, -1):
            if path[:end] in self._known:
                return self._known[path[:end]]
        return next((place for known, place in self._known.items() if known[: len(path)] == path), "nowhere")


def put(values: dict[str, Any], path: Path, value: Any) -> None:
    """Set a value by its path; what stands in the way is replaced.

    Args:
        values: The mapping to change.
        path: Names from the outside in.
        value: What to set; a mapping is laid over the one that is there.
    """
    target: dict[Any, Any] = values
    for part in path[:-1]:
        inner = target.get(part)
        if not isinstance(inner, dict):
            inner = target[part] = {}
        target = inner
    target[path[-1]] = value


def get(values: Any, path: Path) -> tuple[Any, ...]:
    """Look a value up by its path.

    Args:
        values: A mapping.
        path: Names from the outside in.

    Returns:
        The value in a tuple of one; an empty tuple when there is none.
    """
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return ()
        values = values[part]
    return (values,)
