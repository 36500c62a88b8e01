"""Keeping secrets out of whatever is shown."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, SecretBytes, SecretStr

MASK = "**********"


def masked(annotation: Any, value: Any) -> Any:
    """Return a value with every secret in it masked, by the types that its annotation gives.

    Args:
        annotation: The type of the setting; models are looked into.
        value: The value as a source or a dump gives it.

    Returns:
        The value, safe to show. None stays None, so that a missing secret is seen to be missing.
    """
    if value is None:
        return None
    if annotation in (SecretStr, SecretBytes):
        return MASK
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not isinstance(value, dict):
            return value
        fields = annotation.model_fields
        return {key: masked(fields[key].annotation if key in fields else None, item) for key, item in value.items()}
    inner = get_args(annotation)
    if isinstance(value, dict) and dict in (annotation, getattr(annotation, "__origin__", None)) and len(inner) == 2:
        return {key: masked(inner[1], item) for key, item in value.items()}
    if isinstance(value, list) and inner:
        return [_first_masked(inner, item) for item in value]
    return _first_masked(inner, value)


def _first_masked(branches: tuple[Any, ...], value: Any) -> Any:
    for branch in branches:
        shown = masked(branch, value)
        if shown != value:
            return shown
    return value
