"""Which setting a variable's name means."""

from __future__ import annotations

from maestro_core_config._faults import did_you_mean
from maestro_core_config._settings import Settings, part_of, settings_of
from maestro_core_config._shapes import Shape
from maestro_core_config._sources._layer import Path

FILE_SUFFIX = "_FILE"


def names_setting(settings: Settings, rest: str) -> bool:
    """Tell whether a variable is about a setting, whether or not the parts that it names are there.

    Args:
        settings: What there is.
        rest: The variable's name without its prefix, such as "POOL__SIZE".
    """
    return rest in settings.variables or ("__" in rest and rest.partition("__")[0] in settings.variables)


def target_of(settings: Settings, rest: str) -> tuple[Path, Shape]:
    """Return the setting, or the part of one, that a variable means.

    Args:
        settings: What there is.
        rest: The variable's name without its prefix, such as "POOL__SIZE" or "NODES__0__URL".

    Returns:
        Its path by field names, such as ("pool", "size"), and its shape.

    Raises:
        LookupError: There is no such setting or part; says what may have been meant.
    """
    if (name := settings.variables.get(rest)) is not None:
        return (name,), settings.shapes[name]
    field, _separator, tail = rest.partition("__")
    if (name := settings.variables.get(field)) is None:
        raise LookupError(did_you_mean(field, settings.names))
    path: Path = (name,)
    shape = settings.shapes[name]
    for part in tail.split("__"):
        key, inner = _part(shape, part)
        path, shape = (*path, key), inner
    return path, shape


def written_path(settings: Settings, rest: str) -> str:
    """Return a setting's name as a variable's name would have it, for a message."""
    name = settings.variables.get(rest.partition("__")[0], rest.partition("__")[0].lower())
    return ".".join([name, *rest.lower().split("__")[1:]])


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
    return secret_named(settings, rest.removesuffix(FILE_SUFFIX))


def secret_named(settings: Settings, rest: str) -> Path | None:
    """Return the secret that a variable means.

    Args:
        settings: What there is.
        rest: The variable's name without its prefix, such as "POOL__PASSWORD".

    Returns:
        The secret's path; None when no secret is called so.
    """
    if not names_setting(settings, rest):
        return None
    try:
        path, shape = target_of(settings, rest)
    except LookupError:
        return None
    # A list comes from one source as a whole, so that no single item of it comes from a file.
    return path if shape.is_secret and all(isinstance(part, str) for part in path) else None


def _part(shape: Shape, part: str) -> tuple[str | int, Shape]:
    if shape.is_list and part.isdecimal() and shape.item is not None:
        return int(part), shape.item
    for model in shape.models:
        settings = settings_of(model)
        if (name := settings.variables.get(part.upper())) is not None:
            return name, part_of(shape, name) or settings.shapes[name]
    if not shape.models and (inner := part_of(shape, part.lower())) is not None:
        return part.lower(), inner
    known = [name for model in shape.models for name in settings_of(model).names]
    raise LookupError(did_you_mean(part, known) or "it has no parts of that name")
