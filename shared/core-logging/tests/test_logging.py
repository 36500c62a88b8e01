from __future__ import annotations

import asyncio
import contextvars
import io
import json
import logging
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

import maestro_core_logging
from maestro_core_logging import configure_logging, get_logger, log_context
from maestro_core_logging._processors import build_chain, chain
from maestro_core_logging._settings import Settings, settings
from maestro_core_logging.testing import capture_logs

early_logger = get_logger("early")


@pytest.fixture(autouse=True)
def _restore_logging():
    yield
    fresh = Settings()
    for name in ("level", "log_format", "stream", "fields"):
        setattr(settings, name, getattr(fresh, name))
    chain[:] = build_chain()
    logging.captureWarnings(False)


class Lines(io.StringIO):
    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines() -> Lines:
    stream = Lines()
    configure_logging("shop-service", "json", log_level="DEBUG", version="1.2.3", stream=stream)
    return stream


def test_public_names_are_pinned():
    """What users import changes only on purpose."""
    assert maestro_core_logging.__all__ == ["LogStream", "Logger", "configure_logging", "get_logger", "log_context"]


def test_a_json_line_carries_every_standard_key(lines: Lines):
    """Timestamp in UTC with microseconds, level, service, version, logger, event and the fields."""
    get_logger("shop.orders").info("Order placed", order_id=17)
    (line,) = lines.json()
    timestamp = line.pop("timestamp")
    assert timestamp.endswith("Z")
    assert len(timestamp) == len("2026-01-01T00:00:00.000000Z")
    assert line == {
        "level": "info",
        "service": "shop-service",
        "version": "1.2.3",
        "environment": "development",
        "logger": "shop.orders",
        "event": "Order placed",
        "order_id": 17,
    }


def test_a_logger_made_before_configuration_follows_it(lines: Lines):
    """Module-level loggers exist before the service is configured."""
    early_logger.warning("Late settings count")
    assert lines.json()[0]["service"] == "shop-service"


def test_levels_filter_and_can_change_at_any_time(lines: Lines):
    """Only the level in force is written, for loggers made earlier too."""
    logger = get_logger("x")
    configure_logging("shop-service", "json", log_level="warning", stream=lines)
    logger.debug("no")
    logger.info("no")
    logger.warning("yes")
    logger.critical("yes")
    assert [line["level"] for line in lines.json()] == ["warning", "critical"]


def test_configuring_twice_does_not_double_lines(lines: Lines):
    """The last call wins, for the standard library's loggers too."""
    configure_logging("other", "json", stream=lines)
    logging.getLogger("lib").warning("once")
    assert [line["service"] for line in lines.json()] == ["other"]


@pytest.mark.parametrize(("option", "value"), [("log_level", "LOUD"), ("log_format", "xml")])
def test_an_unknown_option_names_the_choices(option: str, value: str):
    """A misspelt option says what there is."""
    with pytest.raises(ValueError, match="choose from"):
        configure_logging("s", **{option: value})


def test_the_standard_library_and_warnings_take_the_same_way(lines: Lines):
    """Other libraries' records and Python's warnings become lines with the same keys."""
    logging.getLogger("sqlalchemy.engine").error("slow %s", "query", extra={"rows": 3})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old call", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    record, warning = lines.json()
    assert (record["logger"], record["event"], record["rows"], record["level"]) == (
        "sqlalchemy.engine",
        "slow query",
        3,
        "error",
    )
    assert warning["logger"] == "py.warnings"
    assert "old call" in warning["event"]


async def test_context_follows_tasks_and_threads(lines: Lines):
    """Each task has its own context, and a thread sees the one it was started with."""
    logger = get_logger("x")

    async def handle(request_id: str) -> None:
        with log_context(request_id=request_id):
            await asyncio.sleep(0)
            logger.info("in task")
            await asyncio.to_thread(logger.info, "in thread")

    await asyncio.gather(*(handle(f"r{n}") for n in range(5)))
    with log_context(request_id="pool"), ThreadPoolExecutor(1) as pool:
        pool.submit(contextvars.copy_context().run, logger.info, "in pool").result()
    logger.info("outside")
    found = lines.json()
    assert sorted(line["request_id"] for line in found if line["event"] == "in task") == [f"r{n}" for n in range(5)]
    assert sorted(line["request_id"] for line in found if line["event"] == "in thread") == [f"r{n}" for n in range(5)]
    assert found[-2]["request_id"] == "pool"
    assert "request_id" not in found[-1]


def test_lines_carry_the_current_trace(lines: Lines):
    """Trace and span ids come from the current OpenTelemetry span; without one they are absent."""
    logger = get_logger("x")
    with TracerProvider().get_tracer("test").start_as_current_span("work") as span:
        logger.info("inside")
    logger.info("outside")
    inside, outside = lines.json()
    assert inside["trace_id"] == format(span.get_span_context().trace_id, "032x")
    assert inside["span_id"] == format(span.get_span_context().span_id, "016x")
    assert "trace_id" not in outside


def test_secrets_are_masked_by_their_key(lines: Lines):
    """Passwords, tokens and keys do not reach the log, nested ones neither; look-alikes do."""
    get_logger().info(
        "Login",
        password="p1",
        accessToken="p2",
        headers={"Authorization": "Bearer p3", "x-api-key": "p4", "accept": "json"},
        items=[{"db_password": "p5"}],
        max_tokens=100,
        keyboard="de",
    )
    text = lines.getvalue()
    assert not any(secret in text for secret in ("p1", "p2", "p3", "p4", "p5"))
    (line,) = lines.json()
    assert (line["max_tokens"], line["keyboard"], line["headers"]["accept"]) == (100, "de", "json")


def test_exceptions_are_data_in_json(lines: Lines):
    """Type, value, frames and cause of an exception are structured."""
    try:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        get_logger().exception("Failed")
    (line,) = lines.json()
    assert line["level"] == "error"
    assert [entry["exc_type"] for entry in line["exception"]] == ["RuntimeError", "KeyError"]
    assert line["exception"][0]["frames"][-1]["name"] == "test_exceptions_are_data_in_json"


def test_an_event_stays_on_one_line(lines: Lines):
    """Text with line ends cannot forge a second line."""
    get_logger().info('x\n{"event": "forged"}', field="a\r\nb")
    assert len(lines.json()) == 1


def test_what_has_no_json_form_is_shown_by_its_repr(lines: Lines):
    """Logging an odd object is no error."""
    get_logger().info("odd", value=object, keys={1: "a"})
    assert "object" in lines.json()[0]["value"]


def test_the_console_is_readable_and_free_of_colour_codes_off_a_terminal():
    """A person sees time, level, event and fields; a traceback shows no local variables."""
    stream = io.StringIO()
    configure_logging("shop-service", "console", stream=stream)
    secret = "local-secret"
    try:
        raise ValueError(len(secret))
    except ValueError:
        get_logger("shop").exception("Failed", order_id=17)
    text = stream.getvalue()
    assert "Failed" in text
    assert "order_id=17" in text
    assert "ValueError: 12" in text
    assert "\x1b" not in text
    assert "shop-service" not in text
    assert "locals" not in text


def test_json_goes_to_stdout_and_the_console_to_stderr(capsys: pytest.CaptureFixture[str]):
    """Machines read stdout; people read stderr, so that a tool's own output stays clean."""
    configure_logging("s", "json")
    get_logger().info("for machines")
    configure_logging("s", "console")
    get_logger().info("for people")
    out, err = capsys.readouterr()
    assert "for machines" in out
    assert "for machines" not in err
    assert "for people" in err
    assert "for people" not in out


def test_a_broken_stream_does_not_break_the_service():
    """A closed pipe loses the line, not the service."""
    stream = io.StringIO()
    configure_logging("s", "json", stream=stream)
    stream.close()
    get_logger().info("lost")


def test_captured_logs_hold_all_levels_and_bound_fields():
    """Tests see every line as data, from loggers made at import too, and nothing is written."""
    configure_logging("s", "json", log_level="ERROR", stream=sys.stdout)
    with capture_logs() as captured, log_context(request_id="r"):
        early_logger.bind(order_id=1).debug("Seen", step=2)
    (line,) = captured
    assert (line["event"], line["level"], line["order_id"], line["request_id"], line["step"]) == (
        "Seen",
        "debug",
        1,
        "r",
        2,
    )
