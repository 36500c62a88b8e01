"""The lease rules: who is believed to be live, and until when."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from ._errors import LeaseExpiredError, ServiceNotFoundError
from ._instances import Clock, Instance, InstanceKey, Registration


class LeaseTable:
    """All leases, in memory.

    An instance whose lease ran out is never shown again, whether or not `take_expired` has removed it yet.

    Args:
        clock: Gives the present.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._services: defaultdict[str, dict[str, Instance]] = defaultdict(dict)

    def grant(self, registration: Registration) -> Instance:
        """Give an instance a lease from now on, in place of any that it had.

        Args:
            registration: What the service says.

        Returns:
            The instance.
        """
        instance = Instance(registration, self._clock() + registration.lease)
        self._services[registration.service][registration.instance_id] = instance
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

    def look_up(self, service: str) -> tuple[Instance, ...]:
        """Return the live instances of a service.

        Args:
            service: Name of the service.

        Returns:
            At least one instance, by identifier.

        Raises:
            ServiceNotFoundError: None is live.
        """
        now = self._clock()
        if live := _live(self._services.get(service, {}), now):
            return live
        raise ServiceNotFoundError(service, tuple(self.live()))

    def live(self) -> dict[str, tuple[Instance, ...]]:
        """Return everything that is live.

        Returns:
            The live instances by service, both in the order of their names; services without any are left out.
        """
        now = self._clock()
        services = ((name, _live(instances, now)) for name, instances in sorted(self._services.items()))
        return {name: live for name, live in services if live}

    def release(self, key: InstanceKey) -> bool:
        """End a lease.

        Args:
            key: Which instance.

        Returns:
            True when there was one, even if it had run out.
        """
        return self._drop(key) is not None

    def take_expired(self) -> tuple[Instance, ...]:
        """Take out the instances whose lease ran out.

        Returns:
            What was taken out, each instance once.
        """
        now = self._clock()
        expired = tuple(
            instance
            for instances in self._services.values()
            for instance in instances.values()
            if not instance.is_live(now)
        )
        for instance in expired:
            self._drop(instance.registration.key)
        return expired

    def _drop(self, key: InstanceKey) -> Instance | None:
        instances = self._services.get(key.service, {})
        dropped = instances.pop(key.instance_id, None)
        if not instances:
            self._services.pop(key.service, None)
        return dropped


def _live(instances: Mapping[str, Instance], now: datetime) -> tuple[Instance, ...]:
    return tuple(instance for _, instance in sorted(instances.items()) if instance.is_live(now))
