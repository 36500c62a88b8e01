from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from governance_service.identity.domain import ADDRESS, USER, USER_FROM_ADDRESS, Pauses

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAUSES = st.sampled_from([ADDRESS, USER, USER_FROM_ADDRESS])


@given(PAUSES, st.integers(0, 10_000), st.integers(0, 10_000))
def test_pauses_are_bounded_and_end(pauses: Pauses, failures: int, seconds: int) -> None:
    """However many failures there were, the pause is never longer than its bound, gets shorter as time goes by, and ends."""
    later = NOW + timedelta(seconds=seconds)
    wait = pauses.wait(failures, NOW, later)
    assert timedelta(0) <= wait <= pauses.longest
    assert pauses.wait(failures, NOW, later + wait) == timedelta(0)


@given(PAUSES, st.integers(0, 200))
def test_pauses_grow(pauses: Pauses, failures: int) -> None:
    """The first failures cost nothing, each further one makes the pause at least as long as before."""
    wait = pauses.wait(failures, NOW, NOW)
    assert (wait > timedelta(0)) == (failures >= pauses.free)
    assert pauses.wait(failures + 1, NOW, NOW) >= wait


def test_failures_are_forgotten() -> None:
    """After a while without failures the counting begins anew."""
    later = NOW + USER.forgotten_after
    assert USER.wait(500, NOW, later) == timedelta(0)
    assert USER.counted(500, NOW, later) == 1
    assert USER.counted(500, NOW, NOW) == 501
    assert USER.counted(0, None, NOW) == 1
