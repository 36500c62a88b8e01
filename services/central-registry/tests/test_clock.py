from datetime import UTC, datetime, timedelta

import time_machine

from central_registry.clock import SteadyClock


def test_the_clock_begins_at_the_present_and_is_aware() -> None:
    """A new clock tells the wall clock's time, in UTC."""
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False):
        clock = SteadyClock(monotonic=lambda: 5.0)
        assert clock() == datetime(2026, 1, 1, tzinfo=UTC)


def test_setting_the_wall_clock_does_not_move_the_clock() -> None:
    """When someone sets the machine's clock, only the time that really went by counts."""
    seconds = [100.0]
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as traveller:
        clock = SteadyClock(monotonic=lambda: seconds[0])
        began = clock()
        traveller.move_to(datetime(2027, 1, 1, tzinfo=UTC))
        seconds[0] = 102.5
        assert clock() - began == timedelta(seconds=2.5)
