"""Reading all sources of one service's configuration into layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maestro_core_config import _locations
from maestro_core_config._faults import ConfigFault
from maestro_core_config._merging import complete, default_layer, merge
from maestro_core_config._model import PROFILES, BaseConfig
from maestro_core_config._service_name import variable_prefix
from maestro_core_config._settings import Settings, settings_of
from maestro_core_config._sources import dotenv, environment, files, secret_files
from maestro_core_config._sources._layer import Layer
from maestro_core_config._sources._naming import names_setting, secret_of_file
from maestro_core_config._sources._spelling import by_field
from maestro_core_config._unknown_keys import unknown_keys

SHARED_PREFIX = "MAESTRO_"
SHARED_FILE = "shared"


@dataclass(slots=True)
class Reading:
    """What all sources gave at one time."""

    settings: Settings
    """What was looked for."""
    layers: list[Layer] = field(repr=False)
    """What each source gives, highest first; last what the class gives for the settings that some source gives."""
    values: dict[str, Any] = field(repr=False)
    """What they give together, with the parts of nested settings that only a default gives."""
    faults: list[ConfigFault]
    """What is wrong with the sources."""
    folder: Path
    """The folder of configuration files, there or not."""
    watched: tuple[Path, ...]
    """Files and folders whose change may change the configuration."""

    @property
    def found(self) -> frozenset[str]:
        """The files that were there."""
        return frozenset(file for layer in self.layers for file in layer.found)

    @property
    def profile(self) -> str:
        """The environment that the sources name, valid or not; empty when they name none."""
        return _profile(self.values)


@dataclass(slots=True)
class _File:
    written: Layer
    by_field: Layer
    is_shared: bool
    is_of_profile: bool


def read(
    model: type[BaseConfig],
    service_name: str,
    *,
    config_dir: Path | str | None,
    env_file: Path | str | None,
    environ: Mapping[str, str],
) -> Reading:
    """Read everything.

    Args:
        model: The configuration's class.
        service_name: What files and variables are named by.
        config_dir: The folder that the program names, if it does.
        env_file: The `.env` file that the program names, if it does.
        environ: The variables of the process.

    Returns:
        What the sources give.
    """
    settings = settings_of(model)
    places = _locations.find(config_dir, env_file, environ)
    own_prefix = variable_prefix(service_name)
    above = _variables(settings, own_prefix, environ)
    if places.env_file.is_found:
        above += _of_env_file(settings, own_prefix, places.env_file)
    if places.secrets_folder is not None:
        above += [
            secret_files.read_folder(settings, prefix, places.secrets_folder, places.secret_names)
            for prefix in (own_prefix, SHARED_PREFIX)
        ]
    below = _of_folder(model, settings, service_name, places, above)
    given = [*above, *(file.by_field for file in below)]
    defaults = default_layer(model, settings, {name for layer in given for name in layer.values})
    layers = [*given, defaults]
    faults = [*places.faults, *(fault for layer in layers for fault in layer.faults)]
    for layer in above:
        faults += unknown_keys(settings, layer, may_hold_others=True)
    for file in below:
        faults += unknown_keys(settings, file.written, may_hold_others=file.is_shared)
        if file.is_of_profile and "environment" in file.by_field.values:
            place = file.by_field.place(("environment",))
            faults.append(
                ConfigFault("environment", place, "cannot be set in a file of one environment", "take it out")
            )
    if places.names:
        faults += files.misnamed(places.folder, service_name, places.names, PROFILES)
    values = complete(settings, _merged(layers, settings), defaults.values)
    watched = [places.folder, places.env_file.file, *(Path(file) for layer in above for file in layer.found)]
    if places.secrets_folder is not None:
        watched.append(places.secrets_folder)
    return Reading(settings, layers, values, faults, places.folder, tuple(watched))


def _variables(settings: Settings, own_prefix: str, environ: Mapping[str, str]) -> list[Layer]:
    return [
        environment.read(settings, own_prefix, environ, is_own=own_prefix != SHARED_PREFIX),
        environment.read(settings, SHARED_PREFIX, environ, is_own=False),
        secret_files.read(settings, own_prefix, environ),
        secret_files.read(settings, SHARED_PREFIX, environ),
    ]


def _of_env_file(settings: Settings, own_prefix: str, file: dotenv.Dotenv) -> list[Layer]:
    variables, place = file.variables, file.place
    own, shared, own_secrets, shared_secrets = (
        environment.read(settings, own_prefix, variables, is_own=own_prefix != SHARED_PREFIX, place=place),
        environment.read(settings, SHARED_PREFIX, variables, is_own=False, place=place),
        secret_files.read(settings, own_prefix, variables, place=place),
        secret_files.read(settings, SHARED_PREFIX, variables, place=place),
    )
    for name, fault in file.faulty.items():
        rests = [name[len(prefix) :] for prefix in (own_prefix, SHARED_PREFIX) if name.startswith(prefix)]
        is_read = any(names_setting(settings, rest) or secret_of_file(settings, rest) for rest in rests)
        if is_read or name in _locations.VARIABLES:
            own.faults.append(fault)
    own.found = (str(file.file),)
    return [own, shared, own_secrets, shared_secrets]


def _of_folder(
    model: type[BaseConfig], settings: Settings, service_name: str, places: _locations.Locations, above: list[Layer]
) -> list[_File]:
    def read_one(name: str, *, is_shared: bool = False, is_of_profile: bool = False) -> _File:
        written = files.read(places.folder, name, places.names)
        return _File(written, by_field(written, settings), is_shared, is_of_profile)

    own, shared = read_one(service_name), read_one(SHARED_FILE, is_shared=True)
    if not places.names:
        return [own, shared]
    # Which profile it is, is said by every source but the files of the profile.
    profile = _profile(_merged([*above, own.by_field, shared.by_field], settings))
    profile = profile or model.model_fields["environment"].default
    if profile not in PROFILES:
        return [own, shared]
    own_profile = read_one(f"{service_name}.{profile}", is_of_profile=True)
    shared_profile = read_one(f"{SHARED_FILE}.{profile}", is_shared=True, is_of_profile=True)
    return [own_profile, own, shared_profile, shared]


def _merged(layers: list[Layer], settings: Settings) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for layer in reversed(layers):
        if layer.values:
            values = merge(values, layer.values, settings) if values else layer.values
    return values


def _profile(values: Mapping[str, Any]) -> str:
    named = values.get("environment")
    return named.lower() if isinstance(named, str) else ""
