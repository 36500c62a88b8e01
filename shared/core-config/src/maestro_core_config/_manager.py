"""Loading a configuration from its layers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from maestro_core_config._explanation import FieldExplanation, explain
from maestro_core_config._faults import ConfigError, ConfigFault
from maestro_core_config._merging import lay_over_defaults, merge
from maestro_core_config._model import BaseConfig
from maestro_core_config._service_name import variable_prefix
from maestro_core_config._shapes import settings_of
from maestro_core_config._sources import environment, files, secret_files
from maestro_core_config._sources._layer import Layer, by_field
from maestro_core_config._unknown_keys import unknown_keys
from maestro_core_config._validation import NOWHERE, faults_of

M = TypeVar("M", bound=BaseConfig)

FOLDER_VARIABLE = "MAESTRO_CONFIG_DIR"
SHARED_PREFIX = "MAESTRO_"
SHARED_FILE = "shared"


class ConfigManager(Generic[M]):
    """Loads one service's configuration.

    The order, highest first: `<SERVICE_NAME>_<FIELD>`, `MAESTRO_<FIELD>`, secrets from the files that
    `<SERVICE_NAME>_<FIELD>_FILE` and `MAESTRO_<FIELD>_FILE` name, `<folder>/<service-name>.*`, `<folder>/shared.*`, the
    default in the class. Nested settings are merged part by part.

    Nothing is read before `load` or `explain` is called, and each call reads anew.

    Args:
        model: The configuration's class.
        service_name: What files and variables are named by. Default: the class's `service_name`.
        config_dir: The folder of the files. Default: `MAESTRO_CONFIG_DIR`, else `./config` if it is there.
        environ: The variables. Default: the process's.
    """

    def __init__(
        self,
        model: type[M],
        *,
        service_name: str | None = None,
        config_dir: Path | str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.model = model
        self.service_name = service_name or model.service_name
        self._config_dir = config_dir
        self._environ = environ

    def load(self) -> M:
        """Read, merge and validate.

        Returns:
            The configuration.

        Raises:
            ConfigError: Something is wrong; lists all of it.
        """
        return self._load()[0]

    def explain(self) -> list[FieldExplanation]:
        """Tell where every value comes from.

        Returns:
            One entry per setting, in the order of the class; nested settings part by part.

        Raises:
            ConfigError: The configuration cannot be loaded.
        """
        config, layers = self._load()
        return list(explain(config, settings_of(self.model), layers))

    def _load(self) -> tuple[M, list[Layer]]:
        settings = settings_of(self.model)
        # One copy of the variables: looking them up in os.environ one by one costs more than all the rest.
        environ = dict(os.environ if self._environ is None else self._environ)
        folder, folder_faults = self._folder(environ)
        own, shared = files.read(folder, self.service_name), files.read(folder, SHARED_FILE)
        own_prefix = variable_prefix(self.service_name)
        layers = [
            environment.read(settings, own_prefix, environ, is_own=own_prefix != SHARED_PREFIX),
            environment.read(settings, SHARED_PREFIX, environ, is_own=False),
            secret_files.read(settings, own_prefix, environ),
            secret_files.read(settings, SHARED_PREFIX, environ),
            by_field(own, settings.names),
            by_field(shared, settings.names),
        ]
        faults = [
            *folder_faults,
            *(fault for layer in layers for fault in layer.faults),
            *unknown_keys(settings, own, may_hold_others=False),
            *unknown_keys(settings, shared, may_hold_others=True),
        ]
        values: dict[str, Any] = {}
        for layer in reversed(layers):
            values = merge(values, layer.values, settings.shapes) if values else layer.values
        values = lay_over_defaults(self.model, settings, values)
        try:
            config = self.model.model_validate(values, by_name=True)
        except ValidationError as error:
            how_to_set = f"set {own_prefix}{{variable}}, or {{field}} in {folder / self.service_name}.yaml"
            found = faults_of(error, settings, layers, values, how_to_set)
            told = {fault.field for fault in faults}
            # What is missing may well stand in the file that could not be read.
            is_blind = any(not fault.field for fault in faults)
            faults += [
                fault for fault in found if fault.field not in told and not (is_blind and fault.source == NOWHERE)
            ]
            raise ConfigError(self.service_name, faults) from None
        if faults:
            raise ConfigError(self.service_name, faults)
        if self.service_name != self.model.service_name:
            config._service_name = self.service_name  # noqa: SLF001 - the base class keeps it for us
        return config, layers

    def _folder(self, environ: Mapping[str, str]) -> tuple[Path, list[ConfigFault]]:
        given = self._config_dir or environ.get(FOLDER_VARIABLE)
        folder = Path(given or "config")
        if not given or folder.is_dir():
            return folder, []
        source = "config_dir" if self._config_dir else FOLDER_VARIABLE
        return folder, [ConfigFault("", source, f"there is no folder {folder}", "create it, or name another one")]
