"""Which values are secret, and keeping them out of whatever is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Secret, SecretBytes, SecretStr

from maestro_core_config._settings import Settings, part_of
from maestro_core_config._shapes import Shape
from maestro_core_config._sources._layer import Path

MASK = "**********"
_SECRET_NAME = re.compile(
    r"(?:^|_|(?-i:(?<=[a-z0-9])(?=[A-Z])))"
    r"(?:password|passwd|passphrase|pwd|secret|token|credentials?|(?:api|private|access|signing|encryption|secret)_?key)s?$",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")
_URL_PASSWORD = re.compile(r"://[^/@\s:]*:(?P<password>[^/@\s]*)@")


def masked(shape: Shape | None, name: str, value: Any) -> Any:
    """Return a value with every secret in it masked.

    Secret is what the type says (`SecretStr`), what is named like one (`password`, `api_key`), and the user and
    password inside a URL.

    Args:
        shape: The shape of the value's type; None when it is not known.
        name: What the value is called.
        value: The value, as a source or a dump gives it.

    Returns:
        The value, safe to show. None and empty text stay, so that a missing secret is seen to be missing.
    """
    if value is None or value == "":
        return value
    if shape is not None and shape.is_secret:
        return MASK
    if isinstance(value, (bool, int, float)):
        return value  # max_tokens = 100 is no secret
    if is_named_secret(shape, name):
        return MASK
    if isinstance(value, dict):
        return {key: masked(shape and part_of(shape, str(key)), str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(shape and shape.item, "", item) for item in value]
    return _USER_INFO.sub(MASK, value) if isinstance(value, str) else value


def is_named_secret(shape: Shape | None, name: str) -> bool:
    """Tell whether a name says that everything under it is secret.

    Args:
        shape: The shape of the value's type; a class with parts of its own says itself which of them are secret, and a number
            such as `max_tokens` is none.
        name: What the value is called.

    Returns:
        Whether it is called `password`, `api_tokens` or the like.
    """
    return bool(_SECRET_NAME.search(name)) and not (shape is not None and (shape.models or shape.is_number))


def secrets_of(settings: Settings, values: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Find the secrets among values.

    Args:
        settings: What there is.
        values: Values by setting, as sources give them or with mappings in the place of models.

    Yields:
        Path and text of each; of a URL, the password in it.
    """
    for name, value in values.items():
        shape = settings.shapes.get(name)
        yield from _secrets_in(shape, (name,), value, is_secret=is_named_secret(shape, name))


def _secrets_in(shape: Shape | None, path: Path, value: Any, *, is_secret: bool) -> Iterator[tuple[Path, str]]:
    value = revealed(value)
    is_secret = is_secret or (shape is not None and shape.is_secret)
    if isinstance(value, dict):
        for key, inner in value.items():
            part = shape and part_of(shape, str(key))
            inside = is_secret or is_named_secret(part, str(key))
            yield from _secrets_in(part, (*path, key), inner, is_secret=inside)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for index, inner in enumerate(value):
            yield from _secrets_in(shape and shape.item, (*path, index), inner, is_secret=is_secret)
    elif is_secret and value is not None and value != "":
        is_number = isinstance(value, (bool, int, float))
        if not is_number or (shape is not None and shape.is_secret):
            yield path, str(value)
    elif isinstance(value, str) and (found := _URL_PASSWORD.search(value)) and found["password"]:
        yield path, found["password"]


def revealed(value: Any) -> Any:
    """Return what a secret holds; other values as they are."""
    if isinstance(value, SecretBytes):
        return value.get_secret_value().decode("utf-8", "replace")
    return value.get_secret_value() if isinstance(value, (SecretStr, Secret)) else value
