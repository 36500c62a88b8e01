"""Random walks through the registry's life, with restarts and a disk that fills up, beside a plain model of it."""

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from central_registry.domain import InstanceKey, LeaseExpiredError, Registry, StorageFullError
from central_registry.testing import FakeClock, MemoryStore

KEYS = st.builds(InstanceKey, st.sampled_from(["alpha", "beta"]), st.sampled_from(["1", "2", "3"]))
URLS = st.sampled_from(["http://127.0.0.1:1", "http://127.0.0.1:2"])
SECONDS = st.integers(min_value=1, max_value=12)


class Promise(NamedTuple):
    """What the model knows of an instance."""

    url: str
    lease: timedelta
    end: datetime


class RegistryLife(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.disk = MemoryStore()
        self.model: dict[InstanceKey, Promise] = {}
        self.registry = Registry(self.disk, clock=self.clock)

    def live_model(self) -> dict[InstanceKey, Promise]:
        return {key: promise for key, promise in self.model.items() if self.clock() < promise.end}

    def promise(self, key: InstanceKey, url: str, lease: timedelta) -> None:
        self.model[key] = Promise(url, lease, self.clock() + lease)

    @rule(key=KEYS, url=URLS, seconds=SECONDS)
    def register(self, key: InstanceKey, url: str, seconds: int) -> None:
        lease = timedelta(seconds=seconds)
        known = self.live_model().get(key)
        same = known is not None and (known.url, known.lease) == (url, lease)
        try:
            outcome = self.runner.run(self.registry.register(*key, url=url, version="1", lease=lease))
        except StorageFullError:
            assert self.disk.full
            assert not same
        else:
            assert same or not self.disk.full
            assert outcome.created == (known is None)
            self.promise(key, url, lease)

    @rule(key=KEYS)
    def renew(self, key: InstanceKey) -> None:
        try:
            self.registry.renew(*key)
        except LeaseExpiredError:
            assert key not in self.live_model()
        else:
            assert key in self.live_model()
            url, lease, _ = self.model[key]
            self.promise(key, url, lease)

    @rule(key=KEYS)
    def leave(self, key: InstanceKey) -> None:
        try:
            self.runner.run(self.registry.leave(*key))
        except StorageFullError:
            assert self.disk.full
        self.model.pop(key, None)

    @rule(seconds=SECONDS)
    def time_goes_by(self, seconds: int) -> None:
        self.clock.advance(seconds)

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
        self.registry = Registry(self.disk, clock=self.clock)
        self.runner.run(self.registry.restore())
        self.model.clear()
        for key, kept in self.disk.kept.items():
            self.promise(key, kept.url, kept.lease)
        assert live.keys() <= self.model.keys()

    @invariant()
    def look_up_shows_exactly_the_live(self) -> None:
        shown = {
            each.registration.key: (each.registration.url, each.lease_expires_at)
            for instances in self.registry.live().values()
            for each in instances
        }
        assert shown == {key: (promise.url, promise.end) for key, promise in self.live_model().items()}

    @invariant()
    def every_live_instance_is_on_disk(self) -> None:
        for key, promise in self.live_model().items():
            assert self.disk.kept[key].url == promise.url

    def teardown(self) -> None:
        self.runner.close()


TestRegistryLife = RegistryLife.TestCase
TestRegistryLife.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
