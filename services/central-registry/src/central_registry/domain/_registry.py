"""The registry: leases in memory, registrations on disk, and the one rule that ties them together.

Every live instance is on disk; what is on disk without being live is cleared away soon. Hence:

- A new or changed registration is on disk before it is acknowledged or shown.
- A renewal writes nothing, because the end of a lease is not kept: after a restart everyone known gets one whole lease
  to be heard of again. The disk sees one write when an instance comes and one when it goes, at any renewal rate.
- Leaving and expiring take effect at once. A disk that fails then only delays the clean-up; the worst that follows is
  that a crash brings the instance back for one lease.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from ._instances import Clock, Instance, InstanceKey, Registration
from ._leases import LeaseTable
from ._limits import Limits
from ._storage import RegistrationStore


class Registered(NamedTuple):
    """Outcome of `Registry.register`."""

    instance: Instance
    created: bool
    """False when the instance was live already."""


class Registry:
    """Who runs where.

    Args:
        store: Keeps registrations over restarts.
        clock: Gives the present.
        default_lease: The lease of services that do not ask for one.
        limits: The bounds of what a registration may say.
    """

    def __init__(
        self,
        store: RegistrationStore,
        *,
        clock: Clock,
        default_lease: timedelta = timedelta(seconds=10),
        limits: Limits | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._default_lease = default_lease
        self._limits = limits or Limits()
        self._table = LeaseTable(clock)
        self._to_remove: set[InstanceKey] = set()
        # Held over each change of the disk, so that disk and memory change in the same order.
        self._changing = asyncio.Lock()

    async def restore(self) -> int:
        """Take up what an earlier process knew; each instance gets one lease to be heard of again.

        Returns:
            How many instances there are.

        Raises:
            StorageError: They cannot be read.
        """
        registrations = await self._store.load()
        for registration in registrations:
            self._table.grant(registration)
        return len(registrations)

    async def register(
        self,
        service: str,
        instance_id: str,
        *,
        url: str,
        version: str,
        metadata: Mapping[str, str] | None = None,
        lease: timedelta | None = None,
    ) -> Registered:
        """Make an instance known, change what is known of it, or renew its lease: whichever applies.

        Args:
            service: Name of the service.
            instance_id: Identifier that the instance chose.
            url: Where it answers.
            version: Version of the service that runs there.
            metadata: Whatever else the service wants to be known.
            lease: How long it is believed in without being heard of; None takes the default.

        Returns:
            The instance, and whether it is new.

        Raises:
            InvalidRegistrationError: The registration breaks the rules; all faults are named.
            StorageError: It cannot be kept; what was known before still is.
        """
        wanted = Registration(
            service=service,
            instance_id=instance_id,
            url=url,
            version=version,
            metadata=dict(metadata or {}),
            lease=self._default_lease if lease is None else lease,
            registered_at=self._clock(),
        )
        self._limits.check(wanted)
        async with self._changing:
            known = self._table.find(wanted.key)
            if known is not None:
                wanted = replace(wanted, registered_at=known.registration.registered_at)
            if known is None or known.registration != wanted:
                await self._store.save(wanted)
                self._to_remove.discard(wanted.key)
            return Registered(self._table.grant(wanted), created=known is None)

    def renew(self, service: str, instance_id: str) -> Instance:
        """Let the lease of a live instance begin anew. Nothing is written.

        Args:
            service: Name of the service.
            instance_id: Identifier of the instance.

        Returns:
            The instance with its new end.

        Raises:
            LeaseExpiredError: It is not live and must register again.
        """
        return self._table.renew(InstanceKey(service, instance_id))

    async def leave(self, service: str, instance_id: str) -> bool:
        """Forget an instance that says goodbye. Saying it twice, or without having registered, is no error.

        Args:
            service: Name of the service.
            instance_id: Identifier of the instance.

        Returns:
            True when the instance was known.

        Raises:
            StorageError: The instance is no longer shown, but the disk still holds it until `clear_away` succeeds.
        """
        key = InstanceKey(service, instance_id)
        async with self._changing:
            was_known = self._table.release(key)
            if was_known:
                self._to_remove.add(key)
                await self._remove()
            return was_known

    def expire(self) -> tuple[Instance, ...]:
        """Take out the instances whose lease ran out. Look-up does not show them before that either.

        Returns:
            What was taken out, each instance once; `clear_away` takes it from the disk.
        """
        expired = self._table.take_expired()
        self._to_remove.update(instance.registration.key for instance in expired)
        return expired

    async def clear_away(self) -> None:
        """Take from the disk what left or expired. Does nothing when there is nothing to do.

        Raises:
            StorageError: It is still there; the next call tries again.
        """
        async with self._changing:
            await self._remove()

    def look_up(self, service: str) -> tuple[Instance, ...]:
        """Return the live instances of a service.

        Args:
            service: Name of the service.

        Returns:
            At least one instance, by identifier.

        Raises:
            ServiceNotFoundError: None is live.
        """
        return self._table.look_up(service)

    def live(self) -> dict[str, tuple[Instance, ...]]:
        """Return everything that is live.

        Returns:
            The live instances by service, both in the order of their names; services without any are left out.
        """
        return self._table.live()

    async def _remove(self) -> None:
        keys = frozenset(self._to_remove)
        if keys:
            await self._store.remove(keys)
            self._to_remove -= keys
