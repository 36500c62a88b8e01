from __future__ import annotations

import re

from maestro_workflow_engine.embedded._run_ids import RunIds


def test_no_id_is_drawn_twice():
    """Also across the borders of what is drawn at once, and by two engines in one process."""
    one, other = RunIds(), RunIds()
    drawn = [ids.new() for _ in range(1000) for ids in (one, other)]
    assert len(set(drawn)) == 2000
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in drawn)
