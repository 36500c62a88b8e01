from __future__ import annotations

import io
import logging
import sys
import warnings
from typing import Any

import pytest
import structlog

from maestro_core_logging import configure_logging, log_context
from maestro_core_logging.testing import capture_logs


def test_the_standard_library_takes_the_same_way(lines: Any) -> None:
    """Other libraries' records become lines with the same keys, their extra fields, masks and the context included."""
    with log_context(request_id="r"):
        logging.getLogger("sqlalchemy.engine").error("slow %s", "query", extra={"rows": 3, "db_password": "hunter2"})
    line = lines.one()
    timestamp = line.pop("timestamp")
    assert timestamp.endswith("Z")
    assert line == {
        "level": "error",
        "logger": "sqlalchemy.engine",
        "service": "shop-service",
        "environment": "development",
        "version": "1.2.3",
        "event": "slow query",
        "request_id": "r",
        "rows": 3,
        "db_password": "**********",
    }


@pytest.mark.parametrize(
    ("number", "name"),
    [(5, "debug"), (10, "debug"), (25, "info"), (30, "warning"), (49, "error"), (50, "critical"), (99, "critical")],
)
def test_levels_in_between_count_as_the_one_below(lines: Any, number: int, name: str) -> None:
    """Libraries have levels of their own."""
    logger = logging.getLogger("lib.levels")
    logger.setLevel(1)
    logger.log(number, "x")
    assert lines.one()["level"] == name


def test_exceptions_of_records_are_data(lines: Any) -> None:
    """`logging.exception` gives the same as our own."""
    try:
        raise ValueError("no")
    except ValueError:
        logging.getLogger("lib").exception("failed", stack_info=True)
    line = lines.one()
    assert line["exception"]["type"] == "ValueError"
    assert "test_exceptions_of_records_are_data" in line["stack"]


def test_a_faulty_record_is_told_by_the_standard_library(lines: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments that do not fit do not fail whoever logs."""
    bridge = next(handler for handler in logging.getLogger().handlers if type(handler).__name__ == "RecordBridge")
    bridge.handle(logging.LogRecord("lib", logging.ERROR, __file__, 1, "%d", ("x",), None))
    assert lines.getvalue() == ""
    assert "Logging error" in capsys.readouterr().err


def test_the_level_holds_for_the_standard_library(lines: Any) -> None:
    """One level for all."""
    configure_logging("s", "json", log_level="ERROR", stream=lines)
    logging.getLogger("lib").warning("no")
    assert lines.getvalue() == ""


def test_records_are_captured_too(lines: Any) -> None:
    """A test sees what libraries log."""
    with capture_logs() as captured:
        logging.getLogger("lib").warning("seen")
    assert [(line["event"], line["logger"]) for line in captured] == [("seen", "lib")]
    assert lines.getvalue() == ""


def test_only_handlers_that_would_double_lines_are_removed(lines: Any) -> None:
    """BasicConfig's handler goes; collectors and files stay."""
    root = logging.getLogger()
    double, collector = logging.StreamHandler(io.StringIO()), logging.NullHandler()
    root.addHandler(double)
    root.addHandler(collector)
    configure_logging("s", "json", stream=lines)
    assert double not in root.handlers
    assert collector in root.handlers


@pytest.mark.parametrize(("log_level", "expected"), [("INFO", []), ("DEBUG", ["HTTP Request"])])
def test_http_libraries_do_not_tell_of_every_request(
    monkeypatch: pytest.MonkeyPatch, lines: Any, log_level: str, expected: list[str]
) -> None:
    """Their info lines would drown ours; at debug level they are wanted. A level that somebody set is left alone."""
    monkeypatch.setattr(logging.getLogger("httpx"), "level", logging.ERROR)
    configure_logging("s", "json", log_level="INFO", stream=lines)
    configure_logging("s", "json", log_level=log_level, stream=lines)
    logging.getLogger("httpx2").info("HTTP Request")
    assert [line["event"] for line in lines.json()] == expected
    assert logging.getLogger("httpx").level == logging.ERROR


def test_warnings_become_lines(lines: Any) -> None:
    """Python's warnings say what, where and of which kind; those that ask for text get it."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure_logging("shop-service", "json", stream=lines)
        warnings.warn("old call", DeprecationWarning, stacklevel=1)
        text = io.StringIO()
        warnings.showwarning("to a file", UserWarning, "x.py", 3, text)
    line = lines.one()
    assert (line["logger"], line["level"], line["event"], line["category"]) == (
        "py.warnings",
        "warning",
        "old call",
        "DeprecationWarning",
    )
    assert line["file"] == __file__
    assert "to a file" in text.getvalue()


def test_structlog_s_own_loggers_take_the_same_way(lines: Any) -> None:
    """Libraries that log with structlog are in the same log, made before a change of it or after."""
    logger = structlog.get_logger("lib", component="c")
    logger.info("Hello", token="hunter2")
    configure_logging("other", "json", stream=lines)
    logger.bind(n=1).warning("Again %s", "and again")
    first, second = lines.json()
    assert (first["logger"], first["component"], first["event"], first["token"]) == ("lib", "c", "Hello", "**********")
    assert (second["service"], second["n"], second["event"]) == ("other", 1, "Again and again")


def test_loggers_that_print_by_themselves_take_our_way(lines: Any) -> None:
    """Servers give theirs a handler before the application is imported; files of theirs stay."""
    server = logging.getLogger("some.server")
    server.propagate = False
    printing, kept = logging.StreamHandler(sys.stdout), logging.StreamHandler(io.StringIO())
    server.handlers[:] = [printing, kept]
    try:
        configure_logging("s", "json", stream=lines)
        server.warning("once")
        assert (server.handlers, server.propagate) == ([kept], True)
    finally:
        server.handlers[:] = []
    assert lines.one()["event"] == "once"
