from __future__ import annotations

from maestro_workflow_engine.embedded._singletons import Singletons

KEY = ("flow", "k")


def test_the_first_holds_a_key_and_the_next_inherits_it():
    """Runs hold a key one after the other; one that leaves the middle changes nothing."""
    keys = Singletons()
    assert [keys.claim(KEY, run) for run in (1, 2, 3)] == [True, False, False]
    assert keys.claim(("other", "k"), 9)
    assert keys.release(KEY, 2) is None
    assert keys.holds(KEY, 1)
    assert keys.release(KEY, 1) == 3
    assert keys.open(KEY) == [3]
    assert keys.release(KEY, 3) is None
    assert keys.holder(KEY) is None
    assert keys.release(KEY, 3) is None


def test_claiming_twice_keeps_the_place():
    """A run that claims a key it has claimed before stands where it stood."""
    keys = Singletons()
    for run in (1, 2, 1):
        keys.claim(KEY, run)
    assert keys.open(KEY) == [1, 2]
