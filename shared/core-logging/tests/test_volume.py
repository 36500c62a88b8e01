from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from maestro_core_logging import Repetition, Sampling, configure_logging, get_logger, log_statistics
from maestro_core_logging._outlet import OUTLET
from maestro_core_logging._volume import Volume


def test_the_same_event_is_written_so_many_times_in_a_period(lines: Any) -> None:
    """Counted by event, logger and level; fields do not matter, and errors are always written."""
    configure_logging("s", "json", stream=lines, repetition=Repetition(lines=2, period=timedelta(hours=1)))
    for number in range(5):
        get_logger("a").info("Retrying", number=number)
        get_logger("b").info("Retrying", number=number)
        get_logger("a").error("Failed", number=number)
    get_logger("a").info("Other")
    found = [(line["logger"], line["event"], line.get("number")) for line in lines.json()]
    assert [number for logger, event, number in found if (logger, event) == ("a", "Retrying")] == [0, 1]
    assert [number for logger, event, number in found if (logger, event) == ("b", "Retrying")] == [0, 1]
    assert len([1 for _, event, _ in found if event == "Failed"]) == 5
    assert found[-1] == ("a", "Other", None)
    assert log_statistics().suppressed == 6


def test_what_was_suppressed_is_told_when_the_period_is_over(lines: Any) -> None:
    """Without any further line: how many, of which event, by the logger they belong to."""
    told = threading.Event()

    class Watched(type(lines)):  # type: ignore[misc]
        def write(self, text: str, /) -> int:
            written = super().write(text)
            if "were suppressed" in text:
                told.set()
            return int(written)

    stream = Watched()
    configure_logging("s", "json", stream=stream, repetition=Repetition(lines=1, period=timedelta(milliseconds=50)))
    for _ in range(4):
        get_logger("a").warning("Retrying")
    assert told.wait(60)
    get_logger("a").warning("Retrying")
    first, summary, again = stream.json()
    assert (first["event"], again["event"]) == ("Retrying", "Retrying")
    assert (summary["logger"], summary["level"], summary["suppressed"], summary["suppressed_event"]) == (
        "a",
        "warning",
        3,
        "Retrying",
    )


def test_what_was_suppressed_is_told_at_the_end() -> None:
    """A process that ends within the period says it, too."""
    code = (
        "from maestro_core_logging import *; configure_logging('s', 'json', repetition=Repetition(lines=1))\n"
        "for _ in range(10): get_logger('a').info('x')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
    assert [json.loads(line).get("suppressed") for line in done.stdout.splitlines()] == [None, 9]


def test_events_whose_words_vary_do_not_fill_the_memory() -> None:
    """Each is another event, and only so many are remembered; those with something to tell stay."""
    told: list[Any] = []
    volume = Volume(None, Repetition(lines=1, period=timedelta(hours=1)), lambda *line: told.append(line))
    volume.admit("info", "a", "same")
    volume.admit("info", "a", "same")
    for number in range(10_000):
        volume.admit("info", "a", f"event {number}")
    assert len(volume._windows) <= 4_096
    volume.finish()
    assert [(line[2], line[3]["suppressed_event"]) for line in told] == [("a", "same")]


def test_a_share_of_lines_is_written_and_says_so(lines: Any) -> None:
    """By logger, the longest name first; warnings and worse are always written; counts can be scaled by the share."""
    sampling = Sampling(share=1.0, loggers={"chatty": 0.0, "chatty.half": 0.5})
    configure_logging("s", "json", "DEBUG", stream=lines, sampling=sampling)
    for _ in range(400):
        get_logger("chatty.deep").info("no")
        get_logger("chatty.half").debug("half")
    get_logger("chatty").warning("yes")
    get_logger("other").info("yes")
    found = lines.json()
    half = [line for line in found if line["event"] == "half"]
    assert 100 < len(half) < 300  # 10 standard deviations around 200
    assert {line["sampled_share"] for line in half} == {0.5}
    assert [line.get("sampled_share") for line in found if line["event"] == "yes"] == [None, None]
    assert log_statistics().sampled_out == 800 - len(half)


def test_a_trace_has_all_of_its_lines_or_none(lines: Any) -> None:
    """In every service alike, because the trace's id decides."""
    configure_logging("s", "json", stream=lines, sampling=Sampling(share=0.5))
    tracer = TracerProvider().get_tracer("test")
    for _ in range(60):
        with tracer.start_as_current_span("work"):
            for _ in range(3):
                get_logger().info("x")
    by_trace: dict[str, int] = {}
    for line in lines.json():
        by_trace[line["trace_id"]] = by_trace.get(line["trace_id"], 0) + 1
    assert set(by_trace.values()) == {3}
    assert 0 < len(by_trace) < 60


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Repetition(lines=0), "at least 1"),
        (lambda: Repetition(period=timedelta(0)), "longer than nothing"),
        (lambda: Sampling(share=1.5), "'share' is 1.5"),
        (lambda: Sampling(loggers={"x": -1}), "'x' is -1"),
    ],
)
def test_limits_that_make_no_sense_are_refused(make: Any, words: str) -> None:
    """When they are made."""
    with pytest.raises(ValueError, match=words):
        make()


def test_without_limits_nothing_is_decided(lines: Any) -> None:
    """Services that set none pay for none."""
    assert OUTLET._volume is None
