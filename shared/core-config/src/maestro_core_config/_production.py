"""What production refuses: secrets that somebody could guess, or that one leak gives away twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from maestro_core_config._faults import ConfigFault
from maestro_core_config._marks import SecretStrength
from maestro_core_config._merging import default_of
from maestro_core_config._secrets import revealed, secrets_of
from maestro_core_config._settings import Settings, shape_at
from maestro_core_config._sources._layer import Layer, Path, get
from maestro_core_config._strength import ORDINARY, weakness_of
from maestro_core_config._validation import source_of

PRODUCTION = "production"
_HINT = "`openssl rand -hex 32` makes one"


def weak_secrets(
    model: type[BaseModel], settings: Settings, layers: Sequence[Layer], values: dict[str, Any]
) -> Iterator[ConfigFault]:
    """Find secrets that production refuses.

    A secret that stands in the class is known to everybody who has the program; one that is short, a word, an example, or a pattern can
    be guessed; and one that stands in two settings is lost in both when it is lost in one. The password inside a URL is judged as
    well, and may stand in several URLs.

    Args:
        model: The configuration's class.
        settings: Its settings.
        layers: Where values come from, highest first.
        values: What the sources give together.

    Yields:
        A fault for each secret.
    """
    defaults = {name: default[0] for name in settings.shapes if (default := default_of(model, name))}
    complete = defaults | values
    seen: dict[str, str] = {}
    for path, secret in secrets_of(settings, complete):
        name = ".".join(map(str, path))
        source = source_of(path, layers, settings)
        rule = _rule(settings, path)
        is_whole = _at(complete, path) == secret  # not the password inside a URL
        if source == "default" or _at(defaults, path) == secret:
            message = "is the default of the class, which everybody knows who has the program"
        else:
            message = weakness_of(secret, rule)
        if not message and is_whole and not rule.may_repeat and seen.setdefault(secret, name) != name:
            message = f"is the same secret as {seen[secret]}"
        if message:
            yield ConfigFault(name, source, f"{message}; production refuses it", _HINT)


def _rule(settings: Settings, path: Path) -> SecretStrength:
    """Return the rule that the secret, or what is around it, states."""
    for end in range(len(path), 0, -1):
        shape = shape_at(settings, path[:end])
        if shape is not None and shape.strength is not None:
            return shape.strength
    return ORDINARY


def _at(values: dict[str, Any], path: Path) -> str | None:
    found = get(values, path)
    return str(revealed(found[0])) if found else None
