"""Exceptions as data."""

from __future__ import annotations

import linecache
import sys
import traceback
from types import FrameType, TracebackType
from typing import Any, Final

from maestro_core_logging._masking import MASKER
from maestro_core_logging._options import Tracebacks
from maestro_core_logging._plain import cut

_HERE: Final = f"{__file__.rpartition('/')[0]}/"
_MAX_CHAIN: Final = 10
_MAX_LOCALS: Final = 20
_FRAMES_WITH_LOCALS: Final = 5
_MAX_LOCAL_TEXT: Final = 300
_PLAIN_TRACEBACKS: Final = Tracebacks()


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


def described(
    error: BaseException, tracebacks: Tracebacks = _PLAIN_TRACEBACKS, _left: int = _MAX_CHAIN
) -> dict[str, Any]:
    """Describe an exception, without the secrets in its text, its source lines and its local variables.

    Args:
        error: The exception.
        tracebacks: How much is told.

    Returns:
        `type`, `message`, `stacktrace` (a list of `file`, `line`, `function`, `code`, the outermost first; with `locals` where
        asked for), and where there are any: `notes`, `exceptions` (of a group), `cause` (raised from) or `context` (raised
        while handling).
    """
    kind = type(error)
    told: dict[str, Any] = {
        "type": kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}",
        "message": MASKER.text(_message(error)),
        "stacktrace": _stacktrace(error.__traceback__, tracebacks),
    }
    if notes := getattr(error, "__notes__", None):
        told["notes"] = [MASKER.text(str(note)) for note in notes]
    if _left > 0:
        if isinstance(error, BaseExceptionGroup):
            told["exceptions"] = [described(inner, tracebacks, _left - 1) for inner in error.exceptions[:_MAX_CHAIN]]
            if len(error.exceptions) > _MAX_CHAIN:
                told["exceptions"].append({"omitted": len(error.exceptions) - _MAX_CHAIN})
        if error.__cause__ is not None:
            told["cause"] = described(error.__cause__, tracebacks, _left - 1)
        elif error.__context__ is not None and not error.__suppress_context__:
            told["context"] = described(error.__context__, tracebacks, _left - 1)
    return told


def caller_stack() -> str:
    """Return the stack of whoever logs, as Python prints it, without the frames of this package."""
    frames = [frame for frame in traceback.extract_stack() if not frame.filename.startswith(_HERE)]
    return "".join(traceback.format_list(frames)).rstrip("\n")


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - an exception whose text fails is logged all the same
        return f"<no text: {type(failure).__name__}>"


def _stacktrace(trace: TracebackType | None, tracebacks: Tracebacks) -> list[dict[str, Any]]:
    walked = list(traceback.walk_tb(trace))
    omitted = len(walked) - tracebacks.frames
    if omitted > 0:  # endless recursion: how it began and how it ended say enough
        half = tracebacks.frames // 2
        frames = [_frame(frame, line) for frame, line in walked[:half]]
        frames.append({"omitted": omitted})
        frames += [_frame(frame, line) for frame, line in walked[half - tracebacks.frames :]]
    else:
        frames = [_frame(frame, line) for frame, line in walked]
    if tracebacks.local_variables:
        for told, (frame, _) in zip(reversed(frames), reversed(walked[-_FRAMES_WITH_LOCALS:]), strict=False):
            if "omitted" not in told:
                told["locals"] = _locals(frame)
    return frames


def _frame(frame: FrameType, line: int) -> dict[str, Any]:
    code = frame.f_code
    source = linecache.getline(code.co_filename, line, frame.f_globals).strip()
    return {"file": code.co_filename, "line": line, "function": code.co_qualname, "code": MASKER.text(source)}


def _locals(frame: FrameType) -> dict[str, Any]:
    shown = {name: _short(MASKER.named(name, value)) for name, value in list(frame.f_locals.items())[:_MAX_LOCALS]}
    if len(frame.f_locals) > _MAX_LOCALS:
        shown["…"] = f"{len(frame.f_locals) - _MAX_LOCALS} more"
    return shown


def _short(value: Any) -> Any:
    """Cut what is long: a line tells of a failure and is no copy of the memory."""
    if isinstance(value, (str, list, dict)):
        text = value if isinstance(value, str) else repr(value)
        return value if len(text) <= _MAX_LOCAL_TEXT else cut(text, _MAX_LOCAL_TEXT)
    return value
