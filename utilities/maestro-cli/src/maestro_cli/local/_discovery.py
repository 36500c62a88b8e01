"""What is installed: services, their configuration, workflow modules, all by entry point."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from typing import Final

from maestro_cli._errors import UnknownServiceError

SERVICES_GROUP: Final = "maestro.services"
CONFIGS_GROUP: Final = "maestro.configs"
WORKFLOWS_GROUP: Final = "maestro.workflows"
DOCUMENTS_GROUP: Final = "maestro.documents"
REGISTRY: Final = "central-registry"
TELEMETRY: Final = "telemetry-store"
ORCHESTRATOR: Final = "maestro-orchestrator"
GOVERNANCE: Final = "governance-service"
EDGE: Final = "orchestration-gateway"


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service that can be started."""

    name: str
    """Its name in the registry, for example `central-registry`."""
    module: str
    """The module that `python -m` serves."""

    @property
    def command(self) -> tuple[str, ...]:
        """The words that start it."""
        return (sys.executable, "-m", self.module)

    @property
    def variable_prefix(self) -> str:
        """Beginning of the environment variables that only this service reads, with the underscore."""
        return self.name.upper().replace("-", "_") + "_"


def installed_services(only: Sequence[str] = ()) -> tuple[ServiceSpec, ...]:
    """Find the services to start.

    Args:
        only: Names of the services that are wanted; all when empty. The registry and the telemetry store come along when they
            are installed, since the others find each other through the one and tell the other what they do.

    Returns:
        The services, the registry and the telemetry store first, the others by name.

    Raises:
        UnknownServiceError: One of `only` is not installed.
    """
    found = {point.name: ServiceSpec(point.name, point.value) for point in _points(SERVICES_GROUP)}
    for name in only:
        if name not in found:
            raise UnknownServiceError(name, tuple(found))
    wanted = {*only, REGISTRY, TELEMETRY} if only else set(found)
    return tuple(sorted((found[name] for name in wanted if name in found), key=_start_order))


def workflow_modules() -> tuple[str, ...]:
    """Find the modules that hold workflows for the orchestrator.

    Returns:
        Names of importable modules, sorted.
    """
    return tuple(sorted({point.module for point in _points(WORKFLOWS_GROUP)}))


def document_files() -> dict[str, str]:
    """Find the workflow documents that packages bring.

    Returns:
        Where each comes from (`package:file`, as its entry point says) → its text.
    """
    found = {}
    for point in _points(DOCUMENTS_GROUP):
        package, _, name = point.value.partition(":")
        found[point.value] = files(package).joinpath(name).read_text("utf-8")
    return found


def config_points() -> dict[str, EntryPoint]:
    """Find the configuration classes.

    Returns:
        Service name → entry point that loads its `BaseConfig` subclass.
    """
    return {point.name: point for point in _points(CONFIGS_GROUP)}


def _points(group: str) -> list[EntryPoint]:
    """List a group; where two distributions use one name, the one that Python would import first counts."""
    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        points.setdefault(point.name, point)
    return list(points.values())


def _start_order(spec: ServiceSpec) -> tuple[bool, str]:
    return (spec.name not in {REGISTRY, TELEMETRY}, spec.name)
