from __future__ import annotations

import logging
from typing import Any

import pytest

from maestro_core_logging import configure_logging, get_logger
from maestro_core_logging.testing import capture_logs

early_logger = get_logger("early")
early_bound = early_logger.bind(since="start")


def test_loggers_made_before_configuration_follow_it(lines: Any) -> None:
    """Module-level loggers, and those bound from them, exist before the service is configured."""
    early_logger.warning("Late settings count")
    early_bound.warning("Bound ones too")
    assert [(line["service"], line.get("since")) for line in lines.json()] == [
        ("shop-service", None),
        ("shop-service", "start"),
    ]


def test_levels_filter_and_can_change_at_any_time(lines: Any) -> None:
    """Only the levels in force are written, whatever was in force when the logger was made."""
    logger = get_logger("x")
    configure_logging("shop-service", "json", log_level="warning", stream=lines)
    for level in ("debug", "info", "warning", "error", "critical", "exception"):
        getattr(logger, level)(level)
    logger.log(logging.INFO, "no")
    logger.log(logging.WARNING, "log")
    assert [(line["level"], line["event"]) for line in lines.json()] == [
        ("warning", "warning"),
        ("error", "error"),
        ("critical", "critical"),
        ("error", "exception"),
        ("warning", "log"),
    ]
    assert [logger.is_enabled_for(level) for level in (logging.INFO, logging.WARNING)] == [False, True]


def test_binding_makes_another_logger() -> None:
    """Loggers are immutable: bound fields belong to the new one, and can be taken off again."""
    logger = get_logger("x")
    bound = logger.bind(a=1, b=2).bind(b=3)
    with capture_logs() as captured:
        logger.info("plain")
        bound.info("bound")
        bound.unbind("b", "nothing").info("unbound")
    assert [(line.get("a"), line.get("b"), line["logger"]) for line in captured] == [
        (None, None, "x"),
        (1, 3, "x"),
        (1, None, "x"),
    ]


def test_positional_arguments_are_put_into_the_event() -> None:
    """Code that comes from the standard library's logging keeps working."""
    with capture_logs() as captured:
        get_logger().info("%d of %s", 3, "four", size=1)
        get_logger().info("100 %")
    assert [line["event"] for line in captured] == ["3 of four", "100 %"]
    assert captured[0]["size"] == 1


def test_captured_logs_hold_all_levels_and_bound_fields(lines: Any) -> None:
    """Tests see every line as data, from loggers made at import too, and nothing is written; afterwards all is as before."""
    configure_logging("s", "json", log_level="ERROR", stream=lines)
    with capture_logs() as captured:
        early_bound.debug("Seen", step=2, password="hunter2")
        try:
            raise ValueError("no")
        except ValueError:
            early_logger.exception("Failed")
    early_bound.info("filtered again")
    early_bound.error("written again")
    assert len(captured) == 2
    timestamp = captured[0].pop("timestamp")
    assert timestamp.endswith("Z")
    assert captured[0] == {
        "level": "debug",
        "logger": "early",
        "service": "s",
        "environment": "development",
        "event": "Seen",
        "since": "start",
        "step": 2,
        "password": "**********",
    }
    assert captured[1]["exception"]["type"] == "ValueError"
    assert [line["event"] for line in lines.json()] == ["written again"]


def test_captures_nest() -> None:
    """The inner block has its lines to itself."""
    with capture_logs() as outer:
        early_logger.info("1")
        with capture_logs() as inner:
            early_logger.info("2")
        early_logger.info("3")
    assert ([line["event"] for line in outer], [line["event"] for line in inner]) == (["1", "3"], ["2"])


def test_a_failing_block_ends_its_capture() -> None:
    """A failed assertion inside does not silence the tests that follow."""
    with pytest.raises(ZeroDivisionError), capture_logs() as captured:
        1 / 0  # noqa: B018
    with capture_logs() as later:
        early_logger.info("x")
    assert (len(captured), len(later)) == (0, 1)


def test_a_fault_in_the_event_s_words_is_told_to_the_caller() -> None:
    """Arguments that do not fit are the caller's error, as a wrong call is."""
    with pytest.raises(TypeError):
        get_logger().warning("%d", "x")
