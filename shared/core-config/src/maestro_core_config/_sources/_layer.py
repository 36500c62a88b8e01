"""One source's values, and where each of them stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from maestro_core_config._faults import ConfigFault

Path = tuple[str, ...]


@dataclass(slots=True)
class Layer:
    """What one source gives."""

    values: dict[str, Any] = field(default_factory=dict)
    """Nested values by field name."""

    places: dict[Path, str] = field(default_factory=dict)
    """Where each value stands, by its path: a variable or `file:line`."""

    faults: list[ConfigFault] = field(default_factory=list)
    """What is wrong with the source itself."""

    def put(self, path: Path, value: Any, place: str) -> None:
        """Set a value by its path."""
        target = self.values
        for part in path[:-1]:
            inner = target.get(part)
            if not isinstance(inner, dict):
                inner = target[part] = {}
            target = inner
        target[path[-1]] = value
        self.places[path] = place


def flatten(values: dict[str, Any], prefix: Path = ()) -> dict[Path, Any]:
    """Return every leaf by its path; an empty mapping is a leaf."""
    leaves: dict[Path, Any] = {}
    for key, value in values.items():
        path = (*prefix, str(key))
        if isinstance(value, dict) and value:
            leaves.update(flatten(value, path))
        else:
            leaves[path] = value
    return leaves
