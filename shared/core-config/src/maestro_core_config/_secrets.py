"""Keeping secrets out of whatever is shown."""

from __future__ import annotations

import re
from typing import Any

from maestro_core_config._shapes import Shape

MASK = "**********"
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:password|passwd|passphrase|pwd|secret|token|credentials?|(?:api|private|access|signing)_?key)s?$",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")


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
        return {key: masked(shape and shape.part(str(key)), str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(shape and shape.item, "", item) for item in value]
    return _USER_INFO.sub(MASK, value) if isinstance(value, str) else value


def is_named_secret(shape: Shape | None, name: str) -> bool:
    """Tell whether a name says that everything under it is secret.

    Args:
        shape: The shape of the value's type; a class with parts of its own says itself which of them are secret.
        name: What the value is called.

    Returns:
        Whether it is called `password`, `api_tokens` or the like.
    """
    return bool(_SECRET_NAME.search(name)) and not (shape is not None and shape.models)
