"""What is known of services at one moment: the input of everything here."""

from pydantic import BaseModel, ConfigDict, Field

from maestro_core_api import version_key
from maestro_core_api.gateway import Declaration

_OPTIONS = ConfigDict(frozen=True, extra="ignore")


class InstanceSnapshot(BaseModel):
    """A live instance."""

    model_config = _OPTIONS

    instance_id: str
    """What tells it from the others of its service."""
    url: str
    """Where it answers, http or https."""
    version: str
    """Version of the service that runs there."""


class ServiceSnapshot(BaseModel):
    """A service: what its versions declare, and where it runs."""

    model_config = _OPTIONS

    name: str
    """Its name."""
    declarations: dict[str, Declaration] = Field(default_factory=dict)
    """Version → what it wants of the gateway."""
    instances: tuple[InstanceSnapshot, ...] = ()
    """Where it runs."""

    @property
    def declaration(self) -> Declaration | None:
        """The one that holds: that of the latest version that runs; of the latest there is when nothing runs."""
        running = {instance.version for instance in self.instances}
        candidates = [version for version in self.declarations if version in running] or list(self.declarations)
        return (
            self.declarations[max(candidates, key=lambda version: (version_key(version), version))]
            if candidates
            else None
        )


class EdgeSnapshot(BaseModel):
    """All services."""

    model_config = _OPTIONS

    services: tuple[ServiceSnapshot, ...] = ()
    """By name."""
