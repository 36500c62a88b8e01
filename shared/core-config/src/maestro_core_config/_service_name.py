"""How a service's name follows from its configuration's class."""

from __future__ import annotations

import re
from typing import Any, cast

_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class ServiceName:
    """The class attribute behind `BaseConfig.service_name`.

    It is a descriptor, so that each class answers with its own name and a configuration loaded under another name
    (`ConfigManager(Model, service_name=…)`) answers with that one.

    Args:
        given: The name that a class states; None derives one from the class.
    """

    def __init__(self, given: str | None = None) -> None:
        self._given = given

    def __get__(self, instance: Any, owner: type) -> str:
        loaded_as = None if instance is None else cast("str | None", instance._service_name)  # noqa: SLF001 - its owner's
        return loaded_as or self._given or derived_name(owner.__name__)


def derived_name(class_name: str) -> str:
    """Return the service that a class configures.

    Args:
        class_name: Such as "IntelligenceServiceConfig".

    Returns:
        Such as "intelligence-service"; "service" when nothing is left of the name.
    """
    words = _WORD_STARTS.sub("-", class_name.removesuffix("Config").strip("_"))
    return words.lower().replace("_", "-") or "service"


def variable_prefix(service_name: str) -> str:
    """Return what the names of a service's variables begin with.

    Args:
        service_name: Such as "intelligence-service".

    Returns:
        Such as "INTELLIGENCE_SERVICE_".
    """
    return re.sub(r"[^A-Z0-9]", "_", service_name.upper()) + "_"
