from __future__ import annotations

import re
from pathlib import Path

import pytest

from maestro_core_logging import get_logger
from maestro_core_logging.testing import CapturedLogs, capture_logs

pytest_plugins = ["pytester"]
logger = get_logger("shop")


@pytest.fixture
def captured() -> CapturedLogs:
    with capture_logs() as lines:
        logger.info("Order placed", order_id=17, cents=1250)
        logger.info("Order placed", order_id=18, cents=300)
        logger.error("Payment failed", order_id=18, exc_info=ValueError("no"))
    return lines


def test_lines_are_found_by_event_and_fields(captured: CapturedLogs) -> None:
    """Equal values, any value, level and logger; what is found can be asked further, and is a list."""
    assert captured.events == ["Order placed", "Order placed", "Payment failed"]
    assert len(captured.find("Order placed")) == 2
    assert captured.find(order_id=18).find(level="error").events == ["Payment failed"]
    assert captured.find(cents=...).events == ["Order placed"] * 2
    assert captured.find("Order placed", cents=1).events == []
    assert captured.one("Payment failed", logger="shop")["exception"]["message"] == "no"
    assert captured[0]["order_id"] == 17


def test_events_are_asserted(captured: CapturedLogs) -> None:
    """There, so many times, not there."""
    captured.assert_logged("Order placed", order_id=17)
    captured.assert_logged("Order placed", times=2)
    captured.assert_logged("Order refunded", times=0)
    captured.assert_not_logged("Order refunded")
    captured.assert_not_logged("Order placed", order_id=19)
    captured.assert_not_logged(level="critical")


def test_a_failure_says_what_was_logged_instead(captured: CapturedLogs) -> None:
    """The nearest event, the field that differs, and all lines."""
    with pytest.raises(AssertionError) as failure:
        captured.assert_logged("Order place", order_id=17)
    assert str(failure.value).splitlines() == [
        "0 lines instead of at least one fit 'Order place' order_id=17",
        "the nearest event is 'Order placed'",
        "3 lines were logged:",
        "  [info] Order placed [shop] order_id=17 cents=1250",
        "  [info] Order placed [shop] order_id=18 cents=300",
        "  [error] Payment failed [shop] order_id=18 exception=ValueError: no",
    ]
    with pytest.raises(
        AssertionError, match=re.escape("'Payment failed' has order_id=18\n'Payment failed' has no cents")
    ):
        captured.one("Payment failed", order_id=1, cents=...)
    with pytest.raises(AssertionError, match="2 lines instead of one fit 'Order placed'"):
        captured.one("Order placed")
    with pytest.raises(AssertionError, match="1 lines instead of 3 fit"):
        captured.assert_logged("Payment failed", times=3)
    with pytest.raises(AssertionError, match="2 lines instead of none fit order_id=18"):
        captured.assert_not_logged(order_id=18)
    with pytest.raises(AssertionError, match="nothing was logged"):
        CapturedLogs().assert_logged("x")


def test_a_failure_does_not_print_thousands_of_lines() -> None:
    """So many are shown, and how many there are."""
    with capture_logs() as many:
        for _ in range(30):
            logger.info("x")
    with pytest.raises(AssertionError, match=r"30 lines were logged:(?s:.*)… and 10 more"):
        many.assert_logged("y")


def test_the_fixture_comes_with_the_package(captured_logs: CapturedLogs) -> None:
    """Without any import or registration."""
    logger.debug("Seen", step=2)
    captured_logs.assert_logged("Seen", step=2)


def test_pytest_starts_without_the_library(pytester: pytest.Pytester) -> None:
    """Whoever does not ask for the fixture does not wait for it."""
    pytester.makepyfile("import sys\ndef test(): assert 'maestro_core_logging.testing' not in sys.modules")
    assert Path(pytester.path).exists()
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
