from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central_registry.catalog.domain import is_older

ORDERED = ["0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2"]


@pytest.mark.parametrize(("older", "newer"), list(pairwise(ORDERED)))
def test_versions_are_ordered_by_number(older: str, newer: str) -> None:
    """Numbers count as numbers, and what has a suffix comes before what has none."""
    assert is_older(older, than=newer)
    assert not is_older(newer, than=older)


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.0.0"), ("1.0.0+7", "1.0.0+8"), ("v1.2", "1.2")])
def test_what_is_the_same_is_neither(one: str, other: str) -> None:
    """Trailing zeros, build numbers and a v in front make no difference."""
    assert not is_older(one, than=other)
    assert not is_older(other, than=one)


@given(st.text("0123456789abcxyz.-+_", max_size=64), st.text("0123456789abcxyz.-+_", max_size=64))
def test_any_two_versions_can_be_compared(one: str, other: str) -> None:
    """Whatever services call their versions, at most one of the two is the older one."""
    assert not (is_older(one, than=other) and is_older(other, than=one))
