"""Random walks through the registry's life, with restarts and a disk that fills up, beside a plain model of it."""

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from central_registry.domain import (
    ChangeKind,
    ChangeLog,
    HealthCheck,
    Instance,
    InstanceKey,
    LeaseExpiredError,
    Registry,
    Selection,
    StorageFullError,
)
from central_registry.testing import FakeClock, MemoryStore

KEYS = st.builds(InstanceKey, st.sampled_from(["alpha", "beta"]), st.sampled_from(["1", "2", "3"]))
URLS = st.sampled_from(["http://127.0.0.1:1", "http://127.0.0.1:2"])
SECONDS = st.integers(min_value=1, max_value=12)
CHECKS = st.sampled_from([None, HealthCheck("/health", unhealthy_after=2, healthy_after=2)])
ZONES = st.sampled_from([None, "eu-1", "eu-2"])
EVERYONE = Selection(with_unhealthy=True)
TOLERANCE = timedelta(seconds=15)


class Told(NamedTuple):
    """What an instance says of itself."""

    url: str
    lease: timedelta
    zone: str | None
    check: HealthCheck | None


class Promise(NamedTuple):
    """What the model knows of an instance."""

    told: Told
    end: datetime
    hidden: bool = False
    row: int = 0
    """Probes in a row that said the opposite."""


class RegistryLife(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.disk = MemoryStore()
        self.model: dict[InstanceKey, Promise] = {}
        self.registry = self.started()

    def started(self) -> Registry:
        """A registry on the same disk, and a watcher that has seen nothing of it yet."""
        self.watched: dict[InstanceKey, Instance] = {}
        self.seen = 0
        log = ChangeLog(capacity=8)
        return Registry(self.disk, clock=self.clock, pause_tolerance=TOLERANCE, changes=log)

    def live_model(self) -> dict[InstanceKey, Promise]:
        return {key: promise for key, promise in self.model.items() if self.clock() < promise.end}

    @rule(key=KEYS, url=URLS, seconds=SECONDS, zone=ZONES, check=CHECKS)
    def register(self, key: InstanceKey, url: str, seconds: int, zone: str | None, check: HealthCheck | None) -> None:
        told = Told(url, timedelta(seconds=seconds), zone, check)
        known = self.live_model().get(key)
        same = known is not None and known.told == told
        try:
            outcome = self.runner.run(
                self.registry.register(*key, url=url, version="1", lease=told.lease, zone=zone, health_check=check)
            )
        except StorageFullError:
            assert self.disk.full
            assert not same
        else:
            assert same or not self.disk.full
            assert outcome.created == (known is None)
            alike = known is not None and (known.told.url, known.told.check) == (url, check)
            hidden, row = (known.hidden, known.row) if known is not None and alike else (False, 0)
            self.model[key] = Promise(told, self.clock() + told.lease, hidden, row)

    @rule(key=KEYS)
    def renew(self, key: InstanceKey) -> None:
        try:
            self.registry.renew(*key)
        except LeaseExpiredError:
            assert key not in self.live_model()
        else:
            assert key in self.live_model()
            promise = self.model[key]
            self.model[key] = promise._replace(end=self.clock() + promise.told.lease)

    @rule(key=KEYS, passes=st.booleans())
    def probe(self, key: InstanceKey, passes: bool) -> None:
        instance = self.registry.find(*key)
        assert (instance is not None) == (key in self.live_model())
        if instance is None or instance.registration.health_check is None:
            return
        changed = self.registry.note_probe(instance, None if passes else "status 503")
        promise = self.model[key]
        row = promise.row + 1 if passes == promise.hidden else 0
        assert (changed is not None) == (row == 2)
        hidden = promise.hidden != (row == 2)
        self.model[key] = promise._replace(hidden=hidden, row=row % 2)

    @rule(key=KEYS)
    def leave(self, key: InstanceKey) -> None:
        try:
            self.runner.run(self.registry.leave(*key))
        except StorageFullError:
            assert self.disk.full
        self.model.pop(key, None)

    @rule(seconds=SECONDS)
    def time_goes_by(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            self.registry.beat()

    @rule(seconds=st.integers(16, 600))
    def the_registry_stands_still(self, seconds: int) -> None:
        live = self.live_model()
        self.clock.advance(seconds)
        for key, promise in live.items():
            self.model[key] = promise._replace(end=self.clock() + promise.told.lease)

    @rule()
    def sweep(self) -> None:
        live = self.live_model()
        for instance in self.registry.expire():
            assert instance.registration.key not in live
        try:
            self.runner.run(self.registry.clear_away())
        except StorageFullError:
            assert self.disk.full
        else:
            if not self.disk.full:
                assert set(self.disk.kept) == set(live)

    @rule(full=st.booleans())
    def disk_fills_or_empties(self, full: bool) -> None:
        self.disk.full = full

    @rule()
    def restart(self) -> None:
        live = self.live_model()
        self.registry = self.started()
        self.runner.run(self.registry.restore())
        self.model.clear()
        for key, kept in self.disk.kept.items():
            told = Told(kept.url, kept.lease, kept.zone, kept.health_check)
            self.model[key] = Promise(told, self.clock() + kept.lease, row=0 if kept.health_check is None else 1)
        assert live.keys() <= self.model.keys()

    @rule()
    def watcher_reads(self) -> None:
        """Whoever follows the log knows what look-up knows, give or take leases that ran out unswept."""
        self.registry.expire()
        changes = self.registry.changes.since(self.seen)
        self.seen = self.registry.changes.position
        everyone = {each.key: each for live in self.registry.live(EVERYONE).values() for each in live}
        if changes is None or self.seen == 0 or not self.watched:
            self.watched = everyone
            return
        for change in changes:
            if change.kind in {ChangeKind.LEFT, ChangeKind.LOST}:
                del self.watched[change.instance.key]
            else:
                self.watched[change.instance.key] = change.instance
        assert {key: (each.registration, each.health.is_shown) for key, each in self.watched.items()} == {
            key: (each.registration, each.health.is_shown) for key, each in everyone.items()
        }

    @invariant()
    def look_up_shows_exactly_the_live_and_healthy(self) -> None:
        shown = {
            each.registration.key: (each.registration.url, each.lease_expires_at)
            for instances in self.registry.live().values()
            for each in instances
        }
        wanted = {key: promise for key, promise in self.live_model().items() if not promise.hidden}
        assert shown == {key: (promise.told.url, promise.end) for key, promise in wanted.items()}

    @invariant()
    def every_live_instance_is_on_disk(self) -> None:
        for key, promise in self.live_model().items():
            kept = self.disk.kept[key]
            assert (kept.url, kept.lease, kept.zone, kept.health_check) == promise.told

    def teardown(self) -> None:
        self.runner.close()


TestRegistryLife = RegistryLife.TestCase
TestRegistryLife.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
