from collections.abc import Callable
from datetime import timedelta

import pytest

from central_registry.domain import InstanceKey, LeaseExpiredError, LeaseTable, Registration, ServiceNotFoundError
from central_registry.testing import FakeClock

MakeRegistration = Callable[..., Registration]
KEY = InstanceKey("echo", "a")


@pytest.fixture
def table(clock: FakeClock) -> LeaseTable:
    return LeaseTable(clock)


@pytest.fixture
def registration(clock: FakeClock) -> MakeRegistration:
    def make(service: str = "echo", instance_id: str = "a", lease_s: float = 10) -> Registration:
        return Registration(
            service, instance_id, "http://127.0.0.1:1", "1.0.0", {}, timedelta(seconds=lease_s), clock()
        )

    return make


def test_a_granted_lease_is_live_until_its_last_moment(
    table: LeaseTable, clock: FakeClock, registration: MakeRegistration
) -> None:
    """An instance is shown before its lease ends and not from that moment on."""
    instance = table.grant(registration(lease_s=10))
    assert instance.lease_expires_at == clock() + timedelta(seconds=10)
    clock.advance(9.999_999)
    assert table.find(KEY) == instance
    clock.advance(0.000_001)
    assert table.find(KEY) is None


def test_look_up_hides_the_expired_before_they_are_taken_out(
    table: LeaseTable, clock: FakeClock, registration: MakeRegistration
) -> None:
    """Look-up and listing never show an expired instance, though nobody has removed it yet."""
    table.grant(registration(instance_id="a", lease_s=10))
    table.grant(registration(instance_id="b", lease_s=20))
    clock.advance(15)
    assert [instance.registration.instance_id for instance in table.look_up("echo")] == ["b"]
    clock.advance(15)
    with pytest.raises(ServiceNotFoundError):
        table.look_up("echo")
    assert table.live() == {}


def test_renewing_begins_the_lease_anew(table: LeaseTable, clock: FakeClock, registration: MakeRegistration) -> None:
    """A renewal counts the whole lease from the present."""
    table.grant(registration(lease_s=10))
    clock.advance(7)
    assert table.renew(KEY).lease_expires_at == clock() + timedelta(seconds=10)
    clock.advance(7)
    assert table.find(KEY) is not None


def test_an_expired_lease_cannot_be_renewed(
    table: LeaseTable, clock: FakeClock, registration: MakeRegistration
) -> None:
    """A lease that ran out does not come back by renewal, even while the entry is still there."""
    table.grant(registration(lease_s=10))
    clock.advance(10)
    with pytest.raises(LeaseExpiredError) as caught:
        table.renew(KEY)
    assert (caught.value.code, caught.value.service, caught.value.instance_id) == ("LEASE_EXPIRED", "echo", "a")


def test_look_up_has_one_order(table: LeaseTable, registration: MakeRegistration) -> None:
    """Services and instances come in the order of their names, whatever order they registered in."""
    for service, instance_id in (("b", "2"), ("a", "1"), ("b", "10"), ("b", "1")):
        table.grant(registration(service, instance_id))
    listed = {name: [each.registration.instance_id for each in live] for name, live in table.live().items()}
    assert list(listed) == ["a", "b"]
    assert listed["b"] == ["1", "10", "2"]
    assert [each.registration.instance_id for each in table.look_up("b")] == ["1", "10", "2"]


def test_a_look_up_in_vain_names_what_is_live(table: LeaseTable, registration: MakeRegistration) -> None:
    """The error of a look-up names the services that have live instances."""
    table.grant(registration("echo"))
    with pytest.raises(ServiceNotFoundError, match=r"'ecco'; live services: echo") as caught:
        table.look_up("ecco")
    assert caught.value.live == ("echo",)


def test_the_expired_are_taken_out_once(table: LeaseTable, clock: FakeClock, registration: MakeRegistration) -> None:
    """Taking out the expired returns each of them once and leaves the live ones."""
    table.grant(registration(instance_id="a", lease_s=10))
    table.grant(registration(instance_id="b", lease_s=20))
    clock.advance(10)
    assert [instance.registration.instance_id for instance in table.take_expired()] == ["a"]
    assert table.take_expired() == ()
    assert len(table.look_up("echo")) == 1


def test_release_tells_whether_there_was_an_entry(
    table: LeaseTable, clock: FakeClock, registration: MakeRegistration
) -> None:
    """Releasing ends a lease at once, and tells an entry, even an expired one, from none."""
    table.grant(registration())
    assert table.release(KEY)
    assert table.find(KEY) is None
    assert not table.release(KEY)
    table.grant(registration())
    clock.advance(10)
    assert table.release(KEY)
