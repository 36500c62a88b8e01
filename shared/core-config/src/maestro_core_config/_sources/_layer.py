"""One source's values, and where each of them stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from maestro_core_config._faults import ConfigFault

Path = tuple[str | int, ...]


def _nowhere(_path: Path) -> str:
    return "nowhere"


@dataclass(slots=True)
class Layer:
    """What one source gives."""

    values: dict[str, Any] = field(default_factory=dict, repr=False)
    """Nested values by field name. Not in the representation: they may be secret."""

    place: Callable[[Path], str] = field(default=_nowhere, repr=False)
    """Tells where a value stands: a variable or `file:line`. Asked only for what is reported."""

    faults: list[ConfigFault] = field(default_factory=list)
    """What is wrong with the source itself."""

    found: tuple[str, ...] = ()
    """The files that it was read from."""


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
        values: The mapping to change. A list that a position leads into becomes a mapping by position.
        path: Names and positions, from the outside in.
        value: What to set.
    """
    target: dict[Any, Any] = values
    for part, following in pairwise(path):
        inner = target.get(part)
        if isinstance(inner, list) and isinstance(following, int):
            inner = target[part] = dict(enumerate(inner))
        elif not isinstance(inner, dict):
            inner = target[part] = {}
        target = inner
    target[path[-1]] = value


def get(values: Any, path: Path) -> tuple[Any, ...]:
    """Look a value up by its path.

    Args:
        values: Mappings and lists.
        path: Names and positions, from the outside in.

    Returns:
        The value in a tuple of one; an empty tuple when there is none.
    """
    for part in path:
        is_item = isinstance(values, (list, tuple)) and isinstance(part, int) and part < len(values)
        if not is_item and not (isinstance(values, dict) and part in values):
            return ()
        values = values[part]
    return (values,)
