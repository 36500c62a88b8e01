from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from maestro_core_logging import configure_logging, get_logger


def console(**options: Any) -> io.StringIO:
    stream = io.StringIO()
    configure_logging("shop-service", "console", stream=stream, **options)
    return stream


def test_a_person_sees_time_level_event_fields_and_logger() -> None:
    """The line holds what differs from line to line; what repeats is left out."""
    stream = console(version="1.2.3")
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
    with time_machine.travel(moment, tick=False):
        get_logger("shop.orders").warning("Order is late", order_id=17, customer="Jo Doe")
    text = stream.getvalue()
    local = moment.astimezone().strftime("%H:%M:%S")
    pattern = rf"{local}\.678 \[warning +\] Order is late +\[shop\.orders\] order_id=17 customer='Jo Doe'\n"
    assert re.fullmatch(pattern, text), text


def test_a_field_called_service_is_shown() -> None:
    """The tool's own name is left out, and another service that a line is about is not."""
    stream = console()
    get_logger().info("Deploying service", service="billing")
    assert "service=billing" in stream.getvalue()
    assert "shop-service" not in stream.getvalue().replace("[shop-service]", "")


def test_what_is_logged_cannot_forge_lines_nor_drive_the_terminal() -> None:
    """Line ends and escape sequences are shown as what they are."""
    stream = console()
    get_logger("a\nb").info("x\n12:00:00 forged\x1b[2J", field="a\r\nb", other=["\x1b[31m"])
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert "\r" not in text
    assert "x\\n12:00:00 forged\\x1b[2J" in text


def test_no_colours_off_a_terminal() -> None:
    """A file gets text."""
    stream = console()
    get_logger().error("x", a=1)
    assert "\x1b" not in stream.getvalue()


def test_odd_text_does_not_fail() -> None:
    """Halves of surrogate pairs have no UTF-8 form."""
    stream = console()
    get_logger().info("half \ud800", field="\udc80")
    assert "half" in stream.getvalue()


def test_long_values_are_cut_with_notice() -> None:
    """A person reads the beginning, and sees how much there is."""
    stream = console()
    get_logger().info("x", body="a" * 1_000, rows=list(range(1_000)), short="b c")
    text = stream.getvalue()
    assert f"body={'a' * 300}… (+700 characters)" in text
    assert re.search(r"rows=\[0, 1, .{280,300}… \(\+[\d,]+ characters\)", text)
    assert "short='b c'" in text


def test_columns_are_aligned() -> None:
    """Levels and events of usual length do not move what stands behind them."""
    stream = console(log_level="DEBUG")
    get_logger("a").debug("Short", n=1)
    get_logger("a").critical("Somewhat longer", n=1)
    first, second = stream.getvalue().splitlines()
    assert first.index("[a]") == second.index("[a]")


def test_secrets_inside_objects_are_masked_for_people_too() -> None:
    """The console shows the same plain data as JSON, and no object's own representation."""

    @dataclass
    class Login:
        user: str
        password: str

    stream = console()
    get_logger().info("x", login=Login("u", "hunter2"), url="u://a:hunter2@h")
    assert "hunter2" not in stream.getvalue()
    assert "login={'user': 'u', 'password': '**********'}" in stream.getvalue()


def test_a_traceback_is_readable_and_forges_nothing() -> None:
    """Like Python's, with causes, notes, groups and a stack that was asked for; text inside cannot look like a line of the log."""
    stream = console()
    try:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ExceptionGroup(
                "several", [ValueError("a\n12:00:00.000 [info    ] forged\x1b[2J"), TypeError("b")]
            ) from error
    except ExceptionGroup as error:
        error.add_note("while shopping")
        get_logger().exception("Failed", stack_info=True)
    text = stream.getvalue()
    below = text.splitlines()[1:]
    assert below[0] == "Stack (most recent call last):"
    assert "test_a_traceback_is_readable_and_forges_nothing" in text
    assert [line for line in below if not line.startswith(" ")][1:] == [
        "Traceback (most recent call last):",
        "KeyError: 'inner'",
        "",
        "The above exception was the direct cause of the following exception:",
        "",
        "Traceback (most recent call last):",
        "ExceptionGroup: several (2 sub-exceptions)",
        "while shopping",
    ]
    assert "  | ValueError: a\n      12:00:00.000 [info    ] forged\\x1b[2J" in text.replace("    12:00", "      12:00")
    assert "  +---------------- 2 of 2 ----------------\n  | TypeError: b" in text
    assert "\x1b" not in text


def test_frames_of_libraries_are_dimmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """People look for their own; FORCE_COLOR gives colours off a terminal, too."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = console()
    try:
        json.loads("{")
    except ValueError:
        get_logger().exception("Failed")
    frames = [line for line in stream.getvalue().splitlines() if 'File "' in line]
    assert ["\x1b[2m" in frame for frame in frames] == [False, True, True, True]
