"""What the registry knows about: a registration, and the instance that it is while its lease lasts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from ._health import HealthCheck, HealthState

Clock = Callable[[], datetime]
"""Gives the present as an aware datetime. It must never go back."""


class InstanceKey(NamedTuple):
    """What tells one instance from all others."""

    service: str
    instance_id: str


@dataclass(frozen=True, slots=True)
class Registration:
    """What a service says about one of its instances. This is what is kept on disk."""

    service: str
    """Name of the service, a DNS label."""
    instance_id: str
    """Identifier that the instance chose, unique within the service."""
    url: str
    """Where the instance answers."""
    version: str
    """Version of the service that runs there."""
    metadata: Mapping[str, str]
    """Whatever else the service wants to be known."""
    lease: timedelta
    """How long the instance is believed in after it was last heard of."""
    registered_at: datetime
    """When the instance registered; changes to a live one leave it as it is."""
    zone: str | None = None
    """Where it runs: a data centre, a rack, a machine; None when it does not say."""
    tags: frozenset[str] = frozenset()
    """What look-up can choose by."""
    health_check: HealthCheck | None = None
    """How the registry asks the instance for its health; None when it is believed for its lease alone."""

    @property
    def key(self) -> InstanceKey:
        """What tells the instance from all others."""
        return InstanceKey(self.service, self.instance_id)


@dataclass(frozen=True, slots=True)
class Instance:
    """A registration while it is believed in. When the belief ends is kept in memory alone."""

    registration: Registration
    """What the service says."""
    lease_expires_at: datetime
    """The moment from which the instance is no longer shown."""
    health: HealthState
    """What its probes say."""

    @property
    def key(self) -> InstanceKey:
        """What tells the instance from all others."""
        return self.registration.key

    def is_live(self, now: datetime) -> bool:
        """Tell whether the lease still lasts.

        Args:
            now: The present.

        Returns:
            True before `lease_expires_at`.
        """
        return now < self.lease_expires_at
