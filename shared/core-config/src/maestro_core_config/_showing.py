"""A configuration as text: as one would expect it, without its secrets."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from maestro_core_config._secrets import is_named_secret, masked
from maestro_core_config._settings import Settings, part_of
from maestro_core_config._shapes import Shape


class Shown:
    """Something whose representation is known already."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def shown(shape: Shape | None, name: str, value: Any) -> Shown:
    """Return what stands for a value in a representation.

    Args:
        shape: The shape of the value's type; None when it is not known.
        name: What the value is called.
        value: The value; what is secret in it, by type or by name, is masked.
    """
    return Shown(_text(shape, name, value))


def without_secrets(settings: Settings, dumped: dict[str, Any]) -> dict[str, Any]:
    """Mask what a dump as JSON holds of secrets.

    Args:
        settings: What there is.
        dumped: Values by field name or alias.
    """
    return {
        name: masked(settings.shapes.get(settings.names.get(name, name)), name, value) for name, value in dumped.items()
    }


def _text(shape: Shape | None, name: str, value: Any) -> str:
    if isinstance(value, BaseModel):
        inner = (f"{part}={_text(shape and part_of(shape, part), part, item)}" for part, item in value)
        return f"{type(value).__name__}({', '.join(inner)})"
    if isinstance(value, (dict, list, tuple)) and not is_named_secret(shape, name):
        if isinstance(value, dict):
            pairs = (f"{key!r}: {_text(shape and part_of(shape, str(key)), str(key), i)}" for key, i in value.items())
            return f"{{{', '.join(pairs)}}}"
        items = ", ".join(_text(shape and shape.item, "", item) for item in value)
        return f"[{items}]" if isinstance(value, list) else f"({items}{',' if len(value) == 1 else ''})"
    if shape is not None and shape.is_secret:
        return repr(value)  # pydantic's own types mask themselves
    return repr(masked(shape, name, value))
