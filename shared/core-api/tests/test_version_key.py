from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_core_api import version_key

ORDERED = [
    "0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc2", "1.0.0-rc10", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0-rc.2",
    "2.0.0-rc.10", "2",
]  # fmt: skip


@pytest.mark.parametrize(("older", "newer"), list(pairwise(ORDERED)))
def test_versions_are_ordered_by_number(older: str, newer: str) -> None:
    """Numbers count as numbers, and what has a suffix comes before what has none."""
    assert version_key(older) < version_key(newer)


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.0.0"), ("1.0.0+7", "1.0.0+8"), ("v1.2", "1.2")])
def test_what_is_the_same_has_the_same_place(one: str, other: str) -> None:
    """Trailing zeros, build numbers and a v in front make no difference."""
    assert version_key(one) == version_key(other)


@given(st.lists(st.text(max_size=64), max_size=5))
def test_whatever_is_called_a_version_has_a_place(versions: list[str]) -> None:
    """No text fails, and any of them can be compared."""
    keys = [version_key(version) for version in versions]
    assert all(one <= other and not other < one for one, other in pairwise(sorted(keys)))
