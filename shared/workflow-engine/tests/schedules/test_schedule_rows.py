"""The rows of schedules on disk."""

from __future__ import annotations

import msgspec

from maestro_workflow_engine import Overlap
from maestro_workflow_engine.embedded._schedule_rows import (
    Cron,
    Interval,
    Progress,
    ScheduleChange,
    Settings,
    decode_progress,
    decode_settings,
)


def test_the_rows_of_a_schedule_are_golden():
    """The bytes on disk are pinned: what is written today is read by every later release."""
    raw = msgspec.Raw(b'{"a":1}')
    cron = Settings(
        workflow="w",
        version="1.0.0",
        input=raw,
        spec=Cron("0 3 * * *", "Europe/Berlin"),
        overlap=Overlap.SKIP,
        catch_up_us=4,
        jitter_us=5,
        created_us=6,
        since_us=7,
        paused=True,
        note="n",
    )
    interval = Settings(
        workflow="w", input=raw, spec=Interval(2, 1), overlap=Overlap.ALLOW, catch_up_us=4, created_us=6, since_us=7
    )
    progress = Progress(done_us=1, missed=2, skipped=3, buffered_us=4, active=("r",), recent=((5, "r"),))
    golden_settings = [
        (
            cron,
            b'{"workflow":"w","version":"1.0.0","input":{"a":1},"spec":{"type":"cron","expression":"0 3 * * *",'
            b'"zone":"Europe/Berlin"},"overlap":"skip","catch_up_us":4,"jitter_us":5,"created_us":6,"since_us":7,'
            b'"paused":true,"note":"n"}',
        ),
        (
            interval,
            b'{"workflow":"w","input":{"a":1},"spec":{"type":"interval","every_us":2,"offset_us":1},'
            b'"overlap":"allow","catch_up_us":4,"created_us":6,"since_us":7}',
        ),
    ]
    for settings, expected in golden_settings:
        assert ScheduleChange("s", settings=settings).statement()[1] == (expected, "s")
        assert decode_settings(expected) == settings
    written = b'{"done_us":1,"missed":2,"skipped":3,"buffered_us":4,"active":["r"],"recent":[[5,"r"]]}'
    assert ScheduleChange("s", progress=progress).statement()[1] == (written, "s")
    assert decode_progress(written) == progress
    assert ScheduleChange("s").statement()[0].startswith("DELETE")
