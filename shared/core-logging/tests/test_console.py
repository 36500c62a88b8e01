from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from typing import Any

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
