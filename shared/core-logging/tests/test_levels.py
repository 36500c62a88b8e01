from __future__ import annotations

import logging
import subprocess
import sys
import threading
from datetime import timedelta
from typing import Any

import pytest

from maestro_core_logging import configure_logging, get_logger, log_levels, reset_log_level, set_log_level
from maestro_core_logging.testing import capture_logs


def events(lines: Any) -> list[str]:
    return [line["event"] for line in lines.json()]


def test_a_level_holds_for_a_logger_and_those_below_it(lines: Any) -> None:
    """The longest name wins; loggers made before and after, ours and the standard library's, bound ones too."""
    early = get_logger("shop.orders.db").bind(a=1)
    configure_logging("s", "json", "INFO", stream=lines)
    set_log_level("debug", "shop.orders")
    set_log_level("ERROR", "shop.orders.noise")
    for logger in (early, get_logger("shop.orders"), get_logger("shop"), get_logger("shop.ordersx")):
        logger.debug("ours")
    get_logger("shop.orders.noise.deep").warning("no")
    logging.getLogger("shop.orders.lib").debug("theirs")
    logging.getLogger("shop.orders.noise").warning("no")
    logging.getLogger("shop").debug("no")
    assert events(lines) == ["ours", "ours", "theirs"]
    assert log_levels() | {"": "INFO", "shop.orders": "DEBUG", "shop.orders.noise": "ERROR"} == log_levels()


def test_a_level_goes_back_to_what_was_configured(lines: Any) -> None:
    """Of one logger and of all; the standard library's loggers get back the level they had."""
    logging.getLogger("lib.kept").setLevel(logging.ERROR)
    configure_logging("s", "json", "WARNING", stream=lines, levels={"shop": "ERROR"})
    set_log_level("DEBUG")
    set_log_level("INFO", "shop")
    set_log_level("INFO", "lib.kept")
    for name in ("x", "shop", "lib.kept"):
        get_logger(name).info("yes")
        logging.getLogger(name).info("yes")
    for name in (None, "shop", "lib.kept"):
        reset_log_level(name)
    for name in ("x", "shop"):
        get_logger(name).info("no")
        logging.getLogger(name).info("no")
    get_logger("shop").warning("no")
    logging.getLogger("shop").warning("no")
    logging.getLogger("lib.kept").warning("no")
    assert events(lines) == ["yes"] * 6
    assert (log_levels()[""], log_levels()["shop"], log_levels()["lib.kept"]) == ("WARNING", "ERROR", "ERROR")
    logging.getLogger("lib.kept").setLevel(logging.NOTSET)


def test_a_level_falls_back_after_its_time(lines: Any) -> None:
    """What held before does again, and a line says so; other loggers are not touched."""
    fell_back = threading.Event()

    class Watched(type(lines)):  # type: ignore[misc]
        def write(self, text: str, /) -> int:
            written = super().write(text)
            if "fell back" in text:
                fell_back.set()
            return int(written)

    stream = Watched()
    configure_logging("s", "json", "WARNING", stream=stream)
    set_log_level("ERROR", "shop")
    set_log_level("DEBUG", "shop", for_=timedelta(milliseconds=50))
    assert log_levels()["shop"] == "DEBUG"
    assert fell_back.wait(60)
    assert log_levels()["shop"] == "ERROR"
    line = stream.one()
    assert (line["of_logger"], line["from_level"], line["to_level"]) == ("shop", "DEBUG", "ERROR")


def test_a_later_change_ends_one_for_a_while(lines: Any) -> None:
    """The time of a change that was replaced changes nothing; a new configuration ends all of them."""
    set_log_level("ERROR", for_=timedelta(hours=1))
    set_log_level("WARNING", for_=timedelta(hours=1))
    set_log_level("INFO", "shop", for_=timedelta(hours=1))
    reset_log_level("shop")
    timers = [
        thread
        for thread in threading.enumerate()
        if thread.name == "maestro-log-level" and not thread.finished.is_set()
    ]  # type: ignore[attr-defined]
    assert (log_levels()[""], "shop" in log_levels(), len(timers)) == ("WARNING", False, 1)
    configure_logging("s", "json", "INFO", stream=lines)
    assert timers[0].finished.is_set()  # type: ignore[attr-defined]
    assert log_levels()[""] == "INFO"


def test_a_change_for_a_while_ends_in_a_forked_child_too() -> None:
    """A worker that was forked meanwhile does not log debug lines for ever."""
    code = (
        "import os, time; from datetime import timedelta; from maestro_core_logging import *; configure_logging('s', 'json')\n"
        "set_log_level('DEBUG', for_=timedelta(seconds=0.3))\n"
        "if os.fork() == 0:\n"
        "    end = time.monotonic() + 30\n"
        "    while log_levels()[''] == 'DEBUG' and time.monotonic() < end: time.sleep(0.01)\n"
        "    os._exit(log_levels()[''] != 'INFO')\n"
        "sys_exit = os.waitstatus_to_exitcode(os.wait()[1]); raise SystemExit(sys_exit)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, timeout=60, stdout=subprocess.DEVNULL).returncode == 0
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: set_log_level("LOUD"), "LOUD.*choose from DEBUG"),
        (lambda: set_log_level("INFO", for_=timedelta(0)), "longer than nothing"),
        (lambda: configure_logging("s", levels={"x": "LOUD"}), "LOUD"),
    ],
)
def test_what_cannot_be_is_refused(call: Any, words: str) -> None:
    """With what to do, and before anything changed."""
    before = log_levels()
    with pytest.raises(ValueError, match=words):
        call()
    assert log_levels() == before


def test_captures_see_every_level_whatever_is_set(lines: Any) -> None:
    """A test does not depend on levels."""
    set_log_level("ERROR", "shop")
    with capture_logs() as captured:
        get_logger("shop").debug("seen")
        set_log_level("CRITICAL")
        get_logger("new").debug("seen")
    get_logger("shop").debug("no")
    assert captured.events == ["seen", "seen"]
    assert lines.getvalue() == ""


def test_gates_of_loggers_nobody_holds_are_forgotten() -> None:
    """Loggers made for each request do not fill the memory."""
    from maestro_core_logging._outlet import OUTLET

    before = len(OUTLET.levels._gates)
    for number in range(1_000):
        get_logger(f"request.{number}")
    assert len(OUTLET.levels._gates) <= before + 1
