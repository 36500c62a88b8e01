"""The registry: leases in memory, registrations on disk, and the one rule that ties them together.

Every live instance is on disk; what is on disk without being live is cleared away soon. Hence:

- A new or changed registration is on disk before it is acknowledged or shown.
- A renewal writes nothing, because the end of a lease is not kept: after a restart everyone known gets one whole lease
  to be heard of again. The disk sees one write when an instance comes and one when it goes, at any renewal rate.
- Leaving and expiring take effect at once. A disk that fails then only delays the clean-up; the worst that follows is
  that a crash brings the instance back for one lease.
- Time in which the registry itself stood still says nothing about anyone: whoever was live before it gets a whole lease
  after it, as after a restart.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ._changes import ChangeKind, ChangeLog
from ._errors import RegistryFullError
from ._health import Health, HealthCheck
from ._instances import Clock, Instance, InstanceKey, Registration
from ._leases import LeaseTable
from ._limits import Limits
from ._notices import Notice
from ._selection import Selection
from ._storage import RegistrationStore

_MOST_UNTOLD: Final = 10_000


class Registered(NamedTuple):
    """Outcome of `Registry.register`."""

    instance: Instance
    created: bool
    """False when the instance was live already."""


class Snapshot(NamedTuple):
    """What look-up shows at one moment."""

    version: int
    """Place of the latest change in `Registry.changes`; `changes.wait(version)` returns when it is no longer up to date."""
    services: Mapping[str, tuple[Instance, ...]]
    """Instances that are live and not unhealthy, by service, both in the order of their names."""


class Registry:
    """Who runs where.

    Args:
        store: Keeps registrations over restarts.
        clock: Gives the present.
        default_lease: The lease of services that do not ask for one.
        limits: The bounds of what a registration may say.
        pause_tolerance: How long nothing may call the registry (`beat` does, regularly) before it counts as one that stood
            still; None never does.
        changes: Where changes are noted; None makes a log.

    Attributes:
        changes: What changed, for those who watch.
        pauses: How often the registry stood still.
    """

    def __init__(
        self,
        store: RegistrationStore,
        *,
        clock: Clock,
        default_lease: timedelta = timedelta(seconds=10),
        limits: Limits | None = None,
        pause_tolerance: timedelta | None = None,
        changes: ChangeLog | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._default_lease = default_lease
        self._limits = limits or Limits()
        self._table = LeaseTable(clock)
        self._pause_tolerance = pause_tolerance
        self._awake_at = clock()
        self.changes = changes or ChangeLog()
        self.pauses = 0
        self._to_remove: set[InstanceKey] = set()
        # What is to be told with the next change of the disk; when there is none for long, the oldest is not told.
        self._untold: deque[Notice] = deque(maxlen=_MOST_UNTOLD)
        # Held over each change of the disk, so that disk and memory change in the same order.
        self._changing = asyncio.Lock()
        # Who has been heard of, and is being written: a slow disk is no reason to believe it lost.
        self._being_kept: InstanceKey | None = None

    async def restore(self) -> int:
        """Take up what an earlier process knew; each instance gets one lease to be heard of again.

        Returns:
            How many instances there are.

        Raises:
            StorageError: They cannot be read.
        """
        registrations = await self._store.load()
        for registration in registrations:
            check = registration.health_check
            # Nothing is known of its health, and it may have been hidden: the first failed probe hides it.
            self._table.grant(registration, doubts=0 if check is None else check.unhealthy_after - 1)
        return len(registrations)

    def beat(self) -> None:
        """Say that the registry is awake. Called regularly, more often than the tolerance for pauses."""
        now, last = self._clock(), self._awake_at
        self._awake_at = now
        if self._pause_tolerance is not None and now - last > self._pause_tolerance:
            self.pauses += 1
            self._table.grant_again(last)

    async def register(
        self,
        service: str,
        instance_id: str,
        *,
        url: str,
        version: str,
        metadata: Mapping[str, str] | None = None,
        lease: timedelta | None = None,
        zone: str | None = None,
        tags: Collection[str] = (),
        health_check: HealthCheck | None = None,
    ) -> Registered:
        """Make an instance known, change what is known of it, or renew its lease: whichever applies.

        Args:
            service: Name of the service.
            instance_id: Identifier that the instance chose.
            url: Where it answers.
            version: Version of the service that runs there.
            metadata: Whatever else the service wants to be known.
            lease: How long it is believed in without being heard of; None takes the default.
            zone: Where it runs.
            tags: What look-up can choose by.
            health_check: How it is probed; None for not at all.

        Returns:
            The instance, and whether it is new.

        Raises:
            InvalidRegistrationError: The registration breaks the rules; all faults are named.
            RegistryFullError: It would be one instance too many.
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
            zone=zone,
            tags=frozenset(tags),
            health_check=health_check,
        )
        self._limits.check(wanted)
        async with self._changing:
            self.beat()
            known = self._table.find(wanted.key)
            if known is None and len(self._table) >= self._limits.max_instances:
                raise RegistryFullError(self._limits.max_instances)
            if known is not None:
                wanted = replace(wanted, registered_at=known.registration.registered_at)
            elif (lost := self._table.release(wanted.key)) is not None:
                # Whose lease ran out without having been taken out yet is lost before it is new again.
                self._part_with(ChangeKind.LOST, lost)
            is_news = known is None or known.registration != wanted
            if is_news:
                news = () if known is not None else (Notice(ChangeKind.REGISTERED, wanted.registered_at, wanted),)
                untold = tuple(self._untold)
                self._being_kept = wanted.key
                try:
                    await self._store.save(wanted, (*untold, *news))
                finally:
                    self._being_kept = None
                self._have_told(untold)
                self._to_remove.discard(wanted.key)
            instance = self._table.grant(wanted)
            if is_news:
                self._note(ChangeKind.REGISTERED if known is None else ChangeKind.CHANGED, instance)
            return Registered(instance, created=known is None)

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
        self.beat()
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
            gone = self._table.release(key)
            if gone is not None:
                self._part_with(ChangeKind.LEFT, gone)
                await self._remove()
            return gone is not None

    def expire(self) -> tuple[Instance, ...]:
        """Take out the instances whose lease ran out. Look-up does not show them before that either.

        Returns:
            What was taken out, each instance once; `clear_away` takes it from the disk.
        """
        self.beat()
        expired = self._table.take_expired(but=self._being_kept)
        for instance in expired:
            self._part_with(ChangeKind.LOST, instance)
        return expired

    async def clear_away(self) -> None:
        """Take from the disk what left or expired. Does nothing when there is nothing to do.

        Raises:
            StorageError: It is still there; the next call tries again.
        """
        async with self._changing:
            await self._remove()

    def note_probe(self, probed: Instance, failure: str | None) -> Instance | None:
        """Take the outcome of a probe into account.

        Args:
            probed: The instance as it was when the probe began.
            failure: Why the probe failed; None when it passed.

        Returns:
            The instance when look-up hides it from now on, or shows it again; None when that is as before, or when the
            instance has changed or gone since.
        """
        self.beat()
        instance = self._table.find(probed.key)
        check = probed.registration.health_check
        if instance is None or check is None or instance.registration != probed.registration:
            return None
        health = instance.health.after_probe(check, failure, self._clock())
        after = self._table.note_health(instance, health)
        if health.status is instance.health.status:
            return None
        self._note(ChangeKind.UNHEALTHY if health.status is Health.UNHEALTHY else ChangeKind.HEALTHY, after)
        return after

    def find(self, service: str, instance_id: str) -> Instance | None:
        """Return a live instance, unhealthy or not.

        Args:
            service: Name of the service.
            instance_id: Identifier of the instance.

        Returns:
            The instance; None when it is not live.
        """
        self.beat()
        return self._table.find(InstanceKey(service, instance_id))

    def look_up(self, service: str, selection: Selection | None = None) -> tuple[Instance, ...]:
        """Return the live instances of a service.

        Args:
            service: Name of the service.
            selection: Which are wanted; None for all whose probes do not fail.

        Returns:
            At least one instance, by identifier.

        Raises:
            ServiceNotFoundError: None that is live is wanted.
        """
        self.beat()
        return self._table.look_up(service, selection or Selection())

    def live(self, selection: Selection | None = None) -> dict[str, tuple[Instance, ...]]:
        """Return everything that is live.

        Args:
            selection: Which instances are wanted; None for all whose probes do not fail.

        Returns:
            The instances by service, both in the order of their names; services without any are left out.
        """
        self.beat()
        return self._table.live(selection or Selection())

    def snapshot(self) -> Snapshot:
        """Return what look-up shows now, and which version of it that is."""
        services = self.live()
        return Snapshot(self.changes.position, services)

    def next_expiry(self) -> datetime | None:
        """Return when the first lease runs out.

        Returns:
            The moment, which may be over; None when there is no lease.
        """
        return self._table.first_end()

    def _note(self, kind: ChangeKind, instance: Instance) -> None:
        self.changes.add(kind, instance, self._clock())

    def _part_with(self, kind: ChangeKind, instance: Instance) -> None:
        self._note(kind, instance)
        self._to_remove.add(instance.key)
        self._untold.append(Notice(kind, self._clock(), instance.registration))

    def _have_told(self, notices: tuple[Notice, ...]) -> None:
        # More may have come at the right while the disk was written, and pushed some out at the left.
        told = set(map(id, notices))
        while self._untold and id(self._untold[0]) in told:
            self._untold.popleft()

    async def _remove(self) -> None:
        keys, untold = frozenset(self._to_remove), tuple(self._untold)
        if keys or untold:
            await self._store.remove(keys, untold)
            self._have_told(untold)
            self._to_remove -= keys
