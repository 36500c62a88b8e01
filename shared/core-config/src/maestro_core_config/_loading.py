"""From what the sources gave to a configuration, or to everything that is wrong with it."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from maestro_core_config._faults import ConfigFault
from maestro_core_config._model import BaseConfig
from maestro_core_config._reading import Reading
from maestro_core_config._service_name import variable_prefix
from maestro_core_config._validation import NOWHERE, faults_of

M = TypeVar("M", bound=BaseConfig)
_PRODUCTION = "production"


def validated(
    model: type[M], service_name: str, reading: Reading, values: dict[str, Any] | None = None
) -> tuple[M | None, tuple[ConfigFault, ...]]:
    """Validate what was read.

    Args:
        model: The configuration's class.
        service_name: What files and variables are named by.
        reading: What was read.
        values: What to validate. Default: what was read.

    Returns:
        The configuration and no faults, or None and everything that is wrong.
    """
    values = reading.values if values is None else values
    faults = list(reading.faults)
    try:
        config = model.model_validate(values, by_name=True)
    except ValidationError as error:
        config = None
        file = reading.folder / service_name
        how_to_set = f"set {variable_prefix(service_name)}{{variable}}, or {{field}} in {file}.yaml"
        found = faults_of(error, reading.settings, reading.layers, values, how_to_set)
        told = {fault.field for fault in faults}
        # What is missing may well stand in the file that could not be read.
        is_blind = any(not fault.field for fault in faults)
        faults += [fault for fault in found if fault.field not in told and not (is_blind and fault.source == NOWHERE)]
    profile = reading.profile if config is None else config.environment
    if (profile or model.model_fields["environment"].default) == _PRODUCTION:
        from maestro_core_config._production import weak_secrets  # noqa: PLC0415 - what only production pays for

        told = {fault.field for fault in faults}
        weak = weak_secrets(model, reading.settings, reading.layers, values)
        faults += [fault for fault in weak if fault.field not in told]
    if faults or config is None:
        return None, tuple(faults)
    if service_name != model.service_name:
        config._service_name = service_name  # noqa: SLF001 - the base class keeps it for us
    return config, ()
