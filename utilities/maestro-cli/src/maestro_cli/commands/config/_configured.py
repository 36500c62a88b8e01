"""The configuration of a service, as `maestro up` would start it."""

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

from maestro_cli._errors import InputError, UnknownServiceError
from maestro_cli.commands._options import config_folder
from maestro_cli.local import Home, config_points, env_file, explained_environment, own_environment
from maestro_core_config import BaseConfig, ConfigManager


@dataclass(frozen=True)
class Configured:
    """A service's configuration, with the variables that it would be started with."""

    manager: ConfigManager[BaseConfig]
    own: dict[str, str]
    """The user's own variables."""
    environ: dict[str, str]
    """What the service's process gets."""

    def is_set_by_up(self, source: str) -> bool:
        """Tell whether `maestro up` gives a value, and not the user.

        Args:
            source: Where it comes from. A secret that is read from a file is shown with the file behind the variable.
        """
        variable = source.partition(" ")[0]
        return variable in self.environ and self.environ[variable] != self.own.get(variable)


def configured(home: Home, service: str, *, profile: str | None = None) -> Configured:
    """Find a service's configuration.

    Args:
        home: The environment's folder.
        service: An installed service, or a class as `package.module:Class`.
        profile: The environment to load it for; None leaves it to the sources.

    Raises:
        UnknownServiceError: No such service is installed.
        InputError: There is no such class.
    """
    model = _model(service)
    name = model.service_name if ":" in service else service
    own = own_environment()
    environ = explained_environment(home, name, own, config_folder())
    if profile is not None:
        environ[f"{name.upper().replace('-', '_')}_ENVIRONMENT"] = profile
    return Configured(
        ConfigManager(model, service_name=name, environ=environ, env_file=env_file(environ)), own, environ
    )


def _model(service: str) -> type[BaseConfig]:
    points = config_points()
    if ":" not in service and service not in points:
        raise UnknownServiceError(service, tuple(points))
    try:
        if service in points:
            found = points[service].load()
        else:
            module, _, name = service.partition(":")
            if (here := str(Path.cwd())) not in sys.path:
                sys.path.insert(0, here)  # as `python -m` does
            found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InputError(f"cannot load {service}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, BaseConfig)):
        raise InputError(f"{service} is no configuration class", hint="It has to be a subclass of BaseConfig.")
    return found


def from_here(text: str) -> str:
    """Shorten paths below the current folder, for people."""
    return text.replace(f"{Path.cwd()}/", "")
