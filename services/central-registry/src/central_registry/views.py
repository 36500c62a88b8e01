"""What callers say and see of instances."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from central_registry.domain import Change, Hint, Instance

Hinting = Callable[[Instance], Hint]
"""Works out the load-balancing hint of an instance."""


class RegistrationRequest(BaseModel):
    """What a service says about one of its instances."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    url: str
    """Where the instance answers, http or https."""
    version: str
    """Version of the service that runs there."""
    metadata: dict[str, str] = Field(default_factory=dict)
    """Whatever else should be known."""
    lease_s: float | None = Field(default=None, gt=0, le=86_400)
    """How long the instance is believed in without being heard of, in seconds; the registry's default when absent."""
    zone: str | None = None
    """Where it runs: callers in the same zone prefer it."""
    tags: list[str] = Field(default_factory=list, max_length=1_000)
    """What look-up can choose by."""
    health_path: str | None = None
    """Path that the registry probes; without it the instance is believed for its lease alone."""
    health_interval_s: float | None = Field(default=None, gt=0, le=86_400)
    """How often it is probed, in seconds; the registry's default when absent."""
    health_timeout_s: float | None = Field(default=None, gt=0, le=86_400)
    """How long a probe's answer may take, in seconds; the registry's default when absent."""
    unhealthy_after: int = 3
    """Failed probes in a row that hide it from look-up."""
    healthy_after: int = 2
    """Passed probes in a row that show it again."""


class InstanceView(BaseModel):
    """A live instance."""

    instance_id: str
    url: str
    version: str
    metadata: dict[str, str]
    registered_at: datetime
    lease_expires_at: datetime
    zone: str | None
    tags: list[str]
    health: Literal["unchecked", "healthy", "unhealthy"]
    """What its probes say."""
    health_since: datetime
    health_reason: str | None
    """Why the last probe failed; null when it passed."""
    weight: int
    """Share of the traffic, relative to the others' weights: 1 to 100."""
    priority: int
    """0 for those to ask first, 1 for those to ask when none of them can be reached."""

    @classmethod
    def of(cls, instance: Instance, hint: Hint) -> Self:
        """Show an instance.

        Args:
            instance: The instance.
            hint: Its load-balancing hint.

        Returns:
            What callers see of it.
        """
        registration, health = instance.registration, instance.health
        return cls(
            instance_id=registration.instance_id,
            url=registration.url,
            version=registration.version,
            metadata=dict(registration.metadata),
            registered_at=registration.registered_at,
            lease_expires_at=instance.lease_expires_at,
            zone=registration.zone,
            tags=sorted(registration.tags),
            health=health.status.value,
            health_since=health.since,
            health_reason=health.reason,
            weight=hint.weight,
            priority=hint.priority,
        )


class ServiceView(BaseModel):
    """A service and its live instances, by identifier."""

    name: str
    instances: list[InstanceView]

    @classmethod
    def of(cls, name: str, instances: Iterable[Instance], hinting: Hinting) -> Self:
        """Show a service.

        Args:
            name: Its name.
            instances: Its live instances.
            hinting: Works out their hints.

        Returns:
            What callers see of it.
        """
        return cls(name=name, instances=[InstanceView.of(instance, hinting(instance)) for instance in instances])


class ServicesView(BaseModel):
    """Every service that has live instances, by name."""

    services: list[ServiceView]


class ChangeView(BaseModel):
    """A change, as watchers see it."""

    service: str
    kind: Literal["registered", "changed", "left", "lost", "unhealthy", "healthy"]
    at: datetime
    instance: InstanceView
    """The instance as it is since then; as it was last, when it left or was lost."""

    @classmethod
    def of(cls, change: Change, hinting: Hinting) -> Self:
        """Show a change.

        Args:
            change: The change.
            hinting: Works out the instance's hint.

        Returns:
            What watchers see of it.
        """
        instance = change.instance
        return cls(
            service=instance.key.service,
            kind=change.kind.value,
            at=change.at,
            instance=InstanceView.of(instance, hinting(instance)),
        )


class ResetView(BaseModel):
    """All there is: what a watcher knew before counts no more."""

    reason: Literal["start", "too_old", "restarted"]
    """Why: the stream begins; the log does not go back to where the watcher was; the registry was restarted."""
    services: list[ServiceView]


def seconds(value: float | None, default: timedelta) -> timedelta:
    """Read a number of seconds.

    Args:
        value: The number; None for the default.
        default: The default.

    Returns:
        The duration.
    """
    return default if value is None else timedelta(seconds=value)
