"""The lease rules: who is believed to be live, and until when."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from ._errors import LeaseExpiredError, ServiceNotFoundError
from ._health import HealthState
from ._instances import Clock, Instance, InstanceKey, Registration
from ._selection import Selection

_SHOWN: Final = Selection()


class LeaseTable:
    """All leases, in memory.

    An instance whose lease ran out is never shown again, whether or not `take_expired` has removed it yet.

    Args:
        clock: Gives the present.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._services: defaultdict[str, dict[str, Instance]] = defaultdict(dict)

    def __len__(self) -> int:
        """Count the leases, those that ran out and have not been taken out included."""
        return sum(map(len, self._services.values()))

    def grant(self, registration: Registration, *, doubts: int = 0) -> Instance:
        """Give an instance a lease from now on, in place of any that it had.

        What its probes said stays as long as it is probed in the same way at the same address.

        Args:
            registration: What the service says.
            doubts: Failed probes that an instance starts with of which no probe is known.

        Returns:
            The instance.
        """
        known, now = self.find(registration.key), self._clock()
        health = None if known is None or not _probed_alike(known.registration, registration) else known.health
        if health is None:
            since = registration.registered_at if known is None else now
            health = HealthState.at_first(registration.health_check, since, doubts=doubts)
        instance = Instance(registration, now + registration.lease, health)
        self._put(instance)
        return instance

    def grant_again(self, last: datetime) -> int:
        """Give everyone who was live at a moment in the past a whole lease from now on.

        Args:
            last: The moment.

        Returns:
            How many there are.
        """
        now = self._clock()
        again = [each for each in self._all() if each.is_live(last)]
        for each in again:
            self._put(replace(each, lease_expires_at=now + each.registration.lease))
        return len(again)

    def note_health(self, instance: Instance, health: HealthState) -> Instance:
        """Keep what the probes of an instance say.

        Args:
            instance: The instance.
            health: What they say.

        Returns:
            The instance with it.
        """
        instance = replace(instance, health=health)
        self._put(instance)
        return instance

    def renew(self, key: InstanceKey) -> Instance:
        """Let the lease of a live instance begin anew.

        Args:
            key: Which instance.

        Returns:
            The instance with its new end.

        Raises:
            LeaseExpiredError: It is not live; an expired lease does not come back.
        """
        instance = self.find(key)
        if instance is None:
            raise LeaseExpiredError(*key)
        return self.grant(instance.registration)

    def find(self, key: InstanceKey) -> Instance | None:
        """Return a live instance.

        Args:
            key: Which instance.

        Returns:
            The instance; None when it is not live.
        """
        instance = self._services.get(key.service, {}).get(key.instance_id)
        return instance if instance is not None and instance.is_live(self._clock()) else None

    def look_up(self, service: str, selection: Selection = _SHOWN) -> tuple[Instance, ...]:
        """Return the live instances of a service.

        Args:
            service: Name of the service.
            selection: Which are wanted.

        Returns:
            At least one instance, by identifier.

        Raises:
            ServiceNotFoundError: None that is live is wanted.
        """
        live = _live(self._services.get(service, {}), self._clock())
        if wanted := tuple(filter(selection.wants, live)):
            return wanted
        unhealthy = sum(not instance.health.is_shown for instance in live)
        raise ServiceNotFoundError(
            service, tuple(self.live()), wanted=str(selection), others=len(live) - unhealthy, unhealthy=unhealthy
        )

    def live(self, selection: Selection = _SHOWN) -> dict[str, tuple[Instance, ...]]:
        """Return everything that is live.

        Args:
            selection: Which instances are wanted.

        Returns:
            The instances by service, both in the order of their names; services without any are left out.
        """
        now = self._clock()
        services = (
            (name, tuple(filter(selection.wants, _live(instances, now))))
            for name, instances in sorted(self._services.items())
        )
        return {name: wanted for name, wanted in services if wanted}

    def first_end(self) -> datetime | None:
        """Return when the first lease runs out.

        Returns:
            The moment, which may be over; None when there is no lease.
        """
        return min((each.lease_expires_at for each in self._all()), default=None)

    def release(self, key: InstanceKey) -> Instance | None:
        """End a lease.

        Args:
            key: Which instance.

        Returns:
            The instance that had it, even if it had run out; None when there was none.
        """
        return self._drop(key)

    def take_expired(self, *, but: InstanceKey | None = None) -> tuple[Instance, ...]:
        """Take out the instances whose lease ran out.

        Args:
            but: Who is left in all the same.

        Returns:
            What was taken out, each instance once.
        """
        now = self._clock()
        expired = tuple(instance for instance in self._all() if not instance.is_live(now) and instance.key != but)
        for instance in expired:
            self._drop(instance.registration.key)
        return expired

    def _all(self) -> Iterator[Instance]:
        return (instance for instances in self._services.values() for instance in instances.values())

    def _put(self, instance: Instance) -> None:
        self._services[instance.key.service][instance.key.instance_id] = instance

    def _drop(self, key: InstanceKey) -> Instance | None:
        instances = self._services.get(key.service, {})
        dropped = instances.pop(key.instance_id, None)
        if not instances:
            self._services.pop(key.service, None)
        return dropped


def _probed_alike(known: Registration, wanted: Registration) -> bool:
    return (known.url, known.health_check) == (wanted.url, wanted.health_check)


def _live(instances: Mapping[str, Instance], now: datetime) -> tuple[Instance, ...]:
    return tuple(instance for _, instance in sorted(instances.items()) if instance.is_live(now))
