"""Which setting a variable's name means."""

from __future__ import annotations

from maestro_core_config._faults import did_you_mean
from maestro_core_config._shapes import Settings, Shape, parts_of
from maestro_core_config._sources._layer import Path

FILE_SUFFIX = "_FILE"


def path_of(settings: Settings, rest: str) -> Path | None:
    """Return the setting that a variable's name means.

    Args:
        settings: What there is.
        rest: The name without its prefix, such as "POOL__SIZE".

    Returns:
        The setting's path, such as ("pool", "size"); None when no setting is called so. Its parts are not looked up.
    """
    if (name := settings.variables.get(rest)) is not None:
        return (name,)
    field, separator, tail = rest.partition("__")
    name = settings.variables.get(field)
    return (name, *tail.lower().split("__")) if name is not None and separator else None


def inner_shape(settings: Settings, path: Path) -> Shape:
    """Return the shape of a setting or of its part, however deep.

    Args:
        settings: What there is.
        path: The part's path, the setting's own name first.

    Returns:
        The part's shape.

    Raises:
        LookupError: There is no such part; says what may have been meant.
    """
    shape = settings.shapes[str(path[0])]
    for part in path[1:]:
        inner = shape.part(str(part))
        if inner is None:
            known = [name for model in shape.models for name in parts_of(model)]
            raise LookupError(did_you_mean(str(part), known) or "it has no parts of that name")
        shape = inner
    return shape


def secret_of_file(settings: Settings, rest: str) -> Path | None:
    """Return the secret whose file a variable names.

    Args:
        settings: What there is.
        rest: The variable's name without its prefix, such as "JWT_SECRET_FILE".

    Returns:
        The secret's path; None when the variable names no file of a secret, such as that of a setting called "audit_file".
    """
    if not rest.endswith(FILE_SUFFIX) or rest in settings.variables:
        return None
    path = path_of(settings, rest.removesuffix(FILE_SUFFIX))
    try:
        return path if path is not None and inner_shape(settings, path).is_secret else None
    except LookupError:
        return None
