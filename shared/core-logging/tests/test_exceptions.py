from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from maestro_core_logging import Tracebacks, configure_logging, get_logger
from maestro_core_logging._exceptions import described


def fail(secret: str = "local-secret") -> None:
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise RuntimeError(f"outer {len(secret)}") from error


def test_exceptions_are_data(lines: Any) -> None:
    """Type, message, frames and cause of an exception are structured, without local variables."""
    try:
        fail()
    except RuntimeError:
        get_logger().exception("Failed", order_id=17)
    line = lines.one()
    assert (line["level"], line["order_id"]) == ("error", 17)
    exception = line["exception"]
    assert (exception["type"], exception["message"]) == ("RuntimeError", "outer 12")
    assert [frame["function"] for frame in exception["stacktrace"]] == ["test_exceptions_are_data", "fail"]
    last = exception["stacktrace"][-1]
    assert last["file"] == __file__
    assert last["code"] == 'raise RuntimeError(f"outer {len(secret)}") from error'
    assert exception["cause"]["type"] == "KeyError"
    assert "local-secret" not in lines.getvalue()


def test_an_exception_may_be_given_in_each_form(lines: Any) -> None:
    """As itself, as a triple, as True; outside of a handler, True says nothing."""
    logger = get_logger()
    try:
        raise ValueError("no")
    except ValueError as error:
        logger.warning("a", exc_info=error)
        logger.warning("b", exc_info=sys.exc_info())
        logger.warning("c", exc_info=True)
    logger.warning("d", exc_info=True)  # noqa: LOG014 - what that does is the question
    logger.warning("e", exc_info=None)
    logger.warning("f", exc_info=(None, None, None))
    assert [line.get("exception", {}).get("message") for line in lines.json()] == ["no"] * 3 + [None] * 3
    assert all("exc_info" not in line for line in lines.json())


def test_groups_notes_and_contexts_are_told() -> None:
    """Everything that Python would print of an exception is there."""
    try:
        try:
            raise LookupError("first")
        except LookupError:
            inner = [ValueError("a"), TypeError("b")]
            raise ExceptionGroup("several", inner)  # noqa: B904 - the context is what is looked for
    except ExceptionGroup as group:
        group.add_note("while shopping")
        told = described(group)
    assert told["notes"] == ["while shopping"]
    assert [part["type"] for part in told["exceptions"]] == ["ValueError", "TypeError"]
    assert told["context"]["message"] == "first"
    assert "cause" not in told


def test_a_suppressed_context_is_left_out() -> None:
    """`raise … from None` means what it says."""
    try:
        try:
            raise LookupError("first")
        except LookupError:
            raise ValueError("second") from None
    except ValueError as error:
        told = described(error)
    assert set(told) == {"type", "message", "stacktrace"}


def test_endless_recursion_is_cut_in_the_middle() -> None:
    """How it began and how it ended are kept."""

    def down(depth: int) -> None:
        if depth:
            down(depth - 1)
        else:
            raise ValueError("deep")

    try:
        down(200)
    except ValueError as error:
        frames = described(error)["stacktrace"]
    assert len(frames) == 51
    assert frames[25] == {"omitted": 152}


def test_a_circle_of_causes_ends() -> None:
    """Exceptions may point at each other."""
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert json.dumps(described(one)).count('"cause"') == 10


def test_an_exception_without_text_is_logged_all_the_same(lines: Any) -> None:
    """A faulty __str__ does not lose the line."""

    class MuteError(Exception):
        def __str__(self) -> str:
            raise ValueError("mute")

    get_logger().error("x", exc_info=MuteError())
    assert lines.one()["exception"]["message"] == "<no text: ValueError>"


def test_the_console_shows_a_plain_traceback() -> None:
    """People read what Python prints, without local variables."""
    stream = io.StringIO()
    configure_logging("shop-service", "console", stream=stream)
    try:
        fail()
    except RuntimeError:
        get_logger("shop").exception("Failed")
    text = stream.getvalue()
    assert "Traceback (most recent call last)" in text
    assert text.endswith("RuntimeError: outer 12\n")
    assert "local-secret" not in text


def test_secrets_in_exceptions_are_masked(lines: Any) -> None:
    """In their text, notes, causes, members and source lines."""
    try:
        try:
            raise ValueError("cannot reach u://a:hunter2@h")
        except ValueError as error:
            error.add_note("token=hunter2")
            raise ExceptionGroup("password=hunter2", [KeyError("api_key=hunter2")]) from error
    except ExceptionGroup:
        get_logger().exception("Failed")
    assert "hunter2" not in lines.getvalue()
    assert lines.one()["exception"]["cause"]["message"] == "cannot reach u://a:**********@h"


def test_local_variables_are_shown_where_they_are_wanted(lines: Any) -> None:
    """Of the innermost frames, masked by name and by look, cut where they are long."""
    configure_logging("s", "json", stream=lines, tracebacks=Tracebacks(local_variables=True))

    def deep(left: int) -> None:
        password, url, long = "hunter2", "u://a:hunter2@h", ["x" * 1_000] * left
        if left == 0:
            raise ValueError(len(password) + len(url) + len(long))
        deep(left - 1)

    try:
        deep(7)
    except ValueError:
        get_logger().exception("Failed")
    assert "hunter2" not in lines.getvalue().replace('password, url, long = \\"hunter2', "")
    frames = lines.one()["exception"]["stacktrace"]
    assert ["locals" in frame for frame in frames] == [False] * 4 + [True] * 5
    shown = frames[-1]["locals"]
    assert (shown["left"], shown["password"], shown["url"]) == (0, "**********", "u://a:**********@h")
    assert frames[-3]["locals"]["long"].endswith("characters)")


def test_local_variables_that_cannot_be_shown_lose_nothing(lines: Any) -> None:
    """An object whose text fails says so in its place."""

    class Mute:
        def __str__(self) -> str:
            raise RuntimeError("mute")

    configure_logging("s", "json", stream=lines, tracebacks=Tracebacks(local_variables=True))
    mute = Mute()
    try:
        raise ValueError(type(mute))
    except ValueError:
        get_logger().exception("Failed")
    assert lines.one()["exception"]["stacktrace"][-1]["locals"]["mute"] == "<Mute that cannot be shown: RuntimeError>"


def test_frames_are_kept_as_many_as_wanted(lines: Any) -> None:
    """The beginning and the end, and how many are missing between them."""
    configure_logging("s", "json", stream=lines, tracebacks=Tracebacks(frames=3))

    def down(left: int) -> None:
        if not left:
            raise ValueError("deep")
        down(left - 1)

    try:
        down(9)
    except ValueError:
        get_logger().exception("Failed")
    frames = lines.one()["exception"]["stacktrace"]
    assert [frame.get("omitted") for frame in frames] == [None, 8, None, None]
    with pytest.raises(ValueError, match="at least 2"):
        Tracebacks(frames=1)


def test_the_stack_of_a_call_can_be_asked_for(lines: Any) -> None:
    """`stack_info=True` works as in the standard library, and ends where the call stands."""
    get_logger().info("here", stack_info=True)
    get_logger().info("not here", stack_info=False)
    first, second = lines.json()
    assert first["stack"].splitlines()[-1].strip() == 'get_logger().info("here", stack_info=True)'
    assert "stack" not in second


def test_many_members_of_a_group_are_cut_with_notice() -> None:
    """Ten say enough."""
    told = described(ExceptionGroup("many", [ValueError(str(number)) for number in range(25)]))
    assert len(told["exceptions"]) == 11
    assert told["exceptions"][-1] == {"omitted": 15}
