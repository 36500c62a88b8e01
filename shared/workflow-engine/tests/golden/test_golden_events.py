"""The bytes of every kind of event are pinned: what is written today is read by every later release."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from golden_events import GOLDEN

from maestro_workflow_engine.machine import _events as ev


@pytest.mark.parametrize(("event", "expected"), GOLDEN, ids=[type(event).__name__ for event, _ in GOLDEN])
def test_an_event_is_written_and_read_as_ever(event: ev.Event, expected: bytes):
    """Byte for byte, in both directions."""
    assert ev.encode_event(event) == expected
    assert ev.decode_event(expected) == event


@pytest.mark.parametrize("kind", get_args(ev.Event), ids=lambda kind: kind.__name__)
def test_every_kind_of_event_has_golden_bytes_with_and_without_what_it_may_leave_out(kind: type[ev.Event]):
    """An event, or an optional field, that nobody has pinned could change without anybody noticing."""
    written = [set(msgspec.json.decode(data)) for event, data in GOLDEN if type(event) is kind]
    assert written, f"{kind.__name__} has no golden bytes: add an entry to golden_events.py"
    for field in msgspec.structs.fields(kind):
        assert any(field.encode_name in names for names in written), (
            f"no golden bytes of {kind.__name__} have {field.name}: add an entry with it to golden_events.py"
        )
        if not field.required:
            assert any(field.encode_name not in names for names in written), (
                f"all golden bytes of {kind.__name__} have the optional {field.name}: add an entry without it to golden_events.py"
            )


def test_a_reader_passes_over_fields_of_later_releases():
    """Fields are added, never renamed; an older release reads what it knows."""
    assert ev.decode_event(b'{"type":"timer_fired","time":1,"seq":2,"later":{"x":1}}') == ev.TimerFired(1, 2)
