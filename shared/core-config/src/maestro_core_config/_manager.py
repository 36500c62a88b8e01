"""Loading a configuration from its layers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

from maestro_core_config._changes import ChangeCallback
from maestro_core_config._explanation import FieldExplanation, explain
from maestro_core_config._faults import ConfigError, ConfigFault
from maestro_core_config._loading import validated
from maestro_core_config._locations import ENV_FILE_VARIABLE
from maestro_core_config._model import BaseConfig
from maestro_core_config._reading import Reading, read
from maestro_core_config._reference import Reference, reference_of
from maestro_core_config._watch import ConfigWatch

M = TypeVar("M", bound=BaseConfig)


class ConfigManager(Generic[M]):
    """Loads one service's configuration.

    The order, highest first: `<SERVICE_NAME>_<FIELD>`, `MAESTRO_<FIELD>`, secrets from the files that
    `<SERVICE_NAME>_<FIELD>_FILE` and `MAESTRO_<FIELD>_FILE` name; the same in the `.env` file; secrets in the folder
    `MAESTRO_SECRETS_DIR`; `<folder>/<service-name>.<environment>.*`, `<folder>/<service-name>.*`,
    `<folder>/shared.<environment>.*`, `<folder>/shared.*`; the default in the class. Nested settings are merged part by part.

    Nothing is read before a method is called, and each call reads anew.

    Args:
        model: The configuration's class.
        service_name: What files and variables are named by. Default: the class's `service_name`.
        config_dir: The folder of the files. Default: `MAESTRO_CONFIG_DIR`, else `./config` if it is there.
        environ: The variables. Default: the process's.
        env_file: The `.env` file; empty text reads none. Default: `MAESTRO_ENV_FILE`, else `./.env` if it is there and `environ` is not
            given.
    """

    def __init__(
        self,
        model: type[M],
        *,
        service_name: str | None = None,
        config_dir: Path | str | None = None,
        environ: Mapping[str, str] | None = None,
        env_file: Path | str | None = None,
    ) -> None:
        self.model = model
        self.service_name = service_name or model.service_name
        self._config_dir = config_dir
        self._environ = environ
        self._env_file = env_file

    def load(self) -> M:
        """Read, merge and validate.

        Returns:
            The configuration.

        Raises:
            ConfigError: Something is wrong; lists all of it.
        """
        # The error is raised from a frame that holds nothing of what was read: tools that report exceptions print frames.
        config, faults = self._loaded()
        if config is None:
            raise ConfigError(self.service_name, faults)
        return config

    def explain(self) -> list[FieldExplanation]:
        """Tell where every value comes from.

        Returns:
            One entry per setting, in the order of the class; nested settings part by part. Secrets are masked.

        Raises:
            ConfigError: The configuration cannot be loaded.
        """
        explained, faults = self._explained()
        if faults:
            raise ConfigError(self.service_name, faults)
        return explained

    def watch(
        self,
        current: M | None = None,
        *,
        on_change: ChangeCallback[M] | None = None,
        poll: timedelta = timedelta(seconds=5),
    ) -> ConfigWatch[M]:
        """Follow the sources, and take up what changes in settings that are `Live`.

        Args:
            current: What the service runs with, as `load` returned it. Default: it is loaded when the watch is opened.
            on_change: Is called after each change, in the order in which callbacks were given.
            poll: How long a change may go unnoticed where the file system tells nothing, as network file systems do.

        Returns:
            The watch, to be opened with `async with`.
        """
        return ConfigWatch(self.model, self.service_name, self._read, current=current, on_change=on_change, poll=poll)

    def json_schema(self) -> dict[str, Any]:
        """Describe the service's configuration file for editors and validators.

        Returns:
            A JSON Schema (draft 2020-12). Nothing is required in it, since any source may give any part.
        """
        from maestro_core_config._schema import schema_of  # noqa: PLC0415 - few programs want it

        return schema_of(self.model, self.service_name)

    def reference(self) -> Reference:
        """Describe every setting of the service for people.

        Returns:
            The settings; `markdown()` makes a page of them.
        """
        return reference_of(self.model, self.service_name)

    def _loaded(self) -> tuple[M | None, tuple[ConfigFault, ...]]:
        return validated(self.model, self.service_name, self._read())

    def _explained(self) -> tuple[list[FieldExplanation], tuple[ConfigFault, ...]]:
        reading = self._read()
        config, faults = validated(self.model, self.service_name, reading)
        return ([] if config is None else list(explain(config, reading.settings, reading.layers))), faults

    def _read(self) -> Reading:
        # One copy of the variables: looking them up in os.environ one by one costs more than all the rest.
        environ = dict(os.environ if self._environ is None else self._environ)
        # Who gives the variables wants no others, unless they are asked for.
        env_file = "" if self._environ is not None and ENV_FILE_VARIABLE not in environ else None
        return read(
            self.model,
            self.service_name,
            config_dir=self._config_dir,
            env_file=env_file if self._env_file is None else self._env_file,
            environ=environ,
        )
