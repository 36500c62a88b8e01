from datetime import timedelta

import pytest
from rich.console import Console

from maestro_cli import render
from maestro_cli._demo_progress import ReviewProgress
from maestro_cli._following import error_text, event_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0s"), (3.24, "3.2s"), (59, "59s"), (61, "1m 01s"), (3720, "1h 02m"), (90_000, "1d 01h"), (-5, "0.0s")],
)
def test_durations(seconds: float, text: str) -> None:
    """A length of time is written in its two largest units."""
    assert render.duration(timedelta(seconds=seconds)) == text


def test_review_progress() -> None:
    """The demo counts reviews from the run's events, out of what the inventory found."""
    console = Console(record=True, force_terminal=False, width=80)
    distributions = [{"name": str(number)} for number in range(20)]
    with ReviewProgress(console) as show:
        show({"type": "run_started"})
        show({"type": "step_completed", "step": "take_inventory", "output": {"distributions": distributions}})
        for _ in range(19):
            show({"type": "child_completed", "workflow": "examples/license-review"})
            show({"type": "child_completed", "workflow": "examples/license-policy"})
        show({"type": "child_failed", "workflow": "examples/license-review"})

    lines = console.export_text().splitlines()
    assert lines[0] == "20 distributions to review"
    assert lines[-1] == "20 of 20 reviewed"


def test_review_progress_with_a_limit() -> None:
    """With a limit the goal is the limit."""
    console = Console(record=True, force_terminal=False, width=80)
    with ReviewProgress(console, limit=2) as show:
        show({"type": "step_completed", "output": {"distributions": [1, 2, 3]}})

    assert console.export_text() == "2 distributions to review\n"


def test_events_and_errors_in_words() -> None:
    """Events name what they are about, errors their type and message."""
    assert event_text({"type": "step_completed", "step": "charge"}) == "step completed charge"
    assert event_text({"type": "run_started"}) == "run started"
    assert error_text({"type": "ValueError", "message": "no"}) == "ValueError: no"
    assert error_text(None) is None
