"""Exceptions as data."""

from __future__ import annotations

import linecache
import sys
import traceback
from types import TracebackType
from typing import Any, Final

_MAX_FRAMES: Final = 50
_MAX_CHAIN: Final = 10


def exception_of(exc_info: Any) -> BaseException | None:
    """Return the exception that a caller means.

    Args:
        exc_info: An exception, the triple of `sys.exc_info()`, or True for the one that is being handled.

    Returns:
        The exception; None when there is none.
    """
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if len(exc_info) > 1 and isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def described(error: BaseException, _left: int = _MAX_CHAIN) -> dict[str, Any]:
    """Describe an exception.

    Local variables are left out, because they hold secrets.

    Args:
        error: The exception.

    Returns:
        `type`, `message`, `stacktrace` (a list of `file`, `line`, `function`, `code`, the outermost first), and where there
        are any: `notes`, `exceptions` (of a group), `cause` (raised from) or `context` (raised while handling).
    """
    kind = type(error)
    told: dict[str, Any] = {
        "type": kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}",
        "message": _message(error),
        "stacktrace": _stacktrace(error.__traceback__),
    }
    if notes := getattr(error, "__notes__", None):
        told["notes"] = [str(note) for note in notes]
    if _left > 0:
        if isinstance(error, BaseExceptionGroup):
            told["exceptions"] = [described(inner, _left - 1) for inner in error.exceptions[:_MAX_CHAIN]]
        if error.__cause__ is not None:
            told["cause"] = described(error.__cause__, _left - 1)
        elif error.__context__ is not None and not error.__suppress_context__:
            told["context"] = described(error.__context__, _left - 1)
    return told


def as_text(error: BaseException) -> str:
    """Return an exception as Python prints it.

    Args:
        error: The exception.

    Returns:
        Its traceback, without a line end behind it.
    """
    return "".join(traceback.format_exception(error)).rstrip("\n")


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - an exception whose text fails is logged all the same
        return f"<no text: {type(failure).__name__}>"


def _stacktrace(trace: TracebackType | None) -> list[dict[str, Any]]:
    frames = []
    for frame, line in traceback.walk_tb(trace):
        code = frame.f_code
        source = linecache.getline(code.co_filename, line, frame.f_globals).strip()
        frames.append({"file": code.co_filename, "line": line, "function": code.co_qualname, "code": source})
    if len(frames) > _MAX_FRAMES:  # endless recursion: how it began and how it ended say enough
        half = _MAX_FRAMES // 2
        frames[half:-half] = [{"omitted": len(frames) - _MAX_FRAMES}]
    return frames
