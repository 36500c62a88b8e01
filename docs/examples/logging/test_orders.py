"""Asserting on events, as docs/logging.md shows it."""

from __future__ import annotations

from maestro_core_logging import get_logger
from maestro_core_logging.testing import CapturedLogs, capture_logs


def place(order_id: int) -> None:
    get_logger("shop").info("Order placed", order_id=order_id, cents=1250)


# region: test
def test_an_order_is_logged(captured_logs: CapturedLogs) -> None:
    place(17)
    captured_logs.assert_logged("Order placed", order_id=17, cents=...)
    captured_logs.assert_not_logged(level="error")
    assert captured_logs.one("Order placed")["logger"] == "shop"


# endregion: test
# region: block
def test_without_the_fixture() -> None:
    with capture_logs() as lines:
        place(18)
    assert lines.events == ["Order placed"]


# endregion: block
