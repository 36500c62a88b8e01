from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central_registry.domain import (
    Health,
    HealthCheck,
    HealthState,
    InstanceKey,
    Registry,
    Selection,
    ServiceNotFoundError,
    why_not_probed,
)
from central_registry.testing import FakeClock, MemoryStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHECK = HealthCheck("/health", unhealthy_after=3, healthy_after=2)
KEY = InstanceKey("echo", "a")


def after(outcomes: str, state: HealthState | None = None) -> HealthState:
    """Return what is believed after probes that passed (+) and failed (-)."""
    state = state or HealthState.at_first(CHECK, NOW)
    for outcome in outcomes:
        state = state.after_probe(CHECK, None if outcome == "+" else "status 503", NOW)
    return state


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ("", Health.HEALTHY),
        ("--", Health.HEALTHY),
        ("--+--", Health.HEALTHY),
        ("---", Health.UNHEALTHY),
        ("---+", Health.UNHEALTHY),
        ("---+-+", Health.UNHEALTHY),
        ("---++", Health.HEALTHY),
        ("---++--", Health.HEALTHY),
    ],
)
def test_only_rows_of_probes_count(outcomes: str, status: Health) -> None:
    """Three failures in a row hide, two successes in a row show again, and whatever is between begins the row anew."""
    assert after(outcomes).status is status


@given(st.text("+-", max_size=30))
def test_the_status_is_that_of_the_last_full_row(outcomes: str) -> None:
    """Whatever came before, three failures in a row make unhealthy, and two successes in a row healthy."""
    last_bad, last_good = outcomes.rfind("---"), outcomes.rfind("++")
    expected = Health.UNHEALTHY if last_bad > last_good else Health.HEALTHY
    assert after(outcomes).status is expected


def test_what_is_not_probed_is_unchecked() -> None:
    """An instance without a health check says nothing about its health, and is shown."""
    state = HealthState.at_first(None, NOW)
    assert (state.status, state.is_shown) == (Health.UNCHECKED, True)


async def registered(registry: Registry, instance_id: str = "a", **options: object) -> None:
    await registry.register("echo", instance_id, url="http://127.0.0.1:1", version="1", health_check=CHECK, **options)  # type: ignore[arg-type]


def fail(registry: Registry, times: int = 3) -> None:
    for _ in range(times):
        instance = registry.find(*KEY)
        assert instance is not None
        registry.note_probe(instance, "status 503")


async def test_a_hidden_instance_is_not_forgotten(registry: Registry, clock: FakeClock) -> None:
    """An unhealthy instance is not looked up, renews its lease as before, is found when asked for, and comes back."""
    await registered(registry)
    fail(registry)
    with pytest.raises(ServiceNotFoundError, match="1 whose probes fail"):
        registry.look_up("echo")
    assert registry.live() == {}
    clock.advance(5)
    registry.renew(*KEY)
    (instance,) = registry.look_up("echo", Selection(with_unhealthy=True))
    assert instance.health.reason == "status 503"
    for _ in range(2):
        registry.note_probe(instance, None)
    assert registry.look_up("echo")[0].health.reason is None


async def test_a_probe_of_what_was_before_says_nothing(registry: Registry) -> None:
    """The outcome of a probe that began before the instance changed its address, left or came back does not count."""
    await registered(registry)
    before = registry.find(*KEY)
    assert before is not None
    await registry.register("echo", "a", url="http://127.0.0.1:2", version="1", health_check=CHECK)
    for _ in range(5):
        assert registry.note_probe(before, "status 503") is None
    assert registry.look_up("echo")[0].health.against == 0
    await registry.leave(*KEY)
    assert registry.note_probe(before, "status 503") is None


async def test_registering_again_does_not_make_healthy(registry: Registry) -> None:
    """An unhealthy instance that registers the same again stays hidden; with another address it is asked anew."""
    await registered(registry)
    fail(registry)
    await registered(registry, tags=["new"])
    assert registry.live() == {}
    await registry.register("echo", "a", url="http://127.0.0.1:2", version="1", health_check=CHECK)
    assert registry.look_up("echo")


async def test_after_a_restart_one_failure_hides(registry: Registry, store: MemoryStore, clock: FakeClock) -> None:
    """A restarted registry does not know who was hidden, so the first failed probe hides; one that passes clears the doubt."""
    await registered(registry)
    for outcomes, shown in (("-", 0), ("+--", 1)):
        restarted = Registry(store, clock=clock)
        await restarted.restore()
        assert len(restarted.live()) == 1
        for outcome in outcomes:
            (instance,) = restarted.look_up("echo", Selection(with_unhealthy=True))
            restarted.note_probe(instance, None if outcome == "+" else "status 503")
        assert len(restarted.live()) == shown


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "::ffff:169.254.169.254",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "240.0.0.1",
        "fd00:ec2::254",
        "100.100.100.200",
    ],
)
def test_addresses_of_no_service_are_not_probed(address: str) -> None:
    """Link-local, metadata, multicast, reserved and unspecified addresses are refused with a reason."""
    reason = why_not_probed(address)
    assert reason is not None
    assert "no address of a service" in reason


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.0.0.7", "192.168.1.4", "8.8.8.8", "fd12::7", "orders.internal"]
)
def test_addresses_of_services_are_probed(address: str) -> None:
    """Loopback, private and public addresses may be asked, and names once they are resolved."""
    assert why_not_probed(address) is None


async def test_clock_moves_do_not_matter_for_health(registry: Registry, clock: FakeClock) -> None:
    """The health of an instance has a date of its own, that of its last change."""
    await registered(registry)
    clock.advance(3)
    fail(registry, 2)
    (instance,) = registry.look_up("echo")
    assert instance.health.since == instance.registration.registered_at
    fail(registry, 1)
    hidden = registry.find(*KEY)
    assert hidden is not None
    assert hidden.health.since == clock() == instance.registration.registered_at + timedelta(seconds=3)
