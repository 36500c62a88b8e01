"""Exceptions as data: what the journal keeps of an exception, and how it becomes one again."""

from __future__ import annotations

import importlib
import traceback
from typing import Any

import msgspec


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of an exception.

    Attributes:
        type: `module:qualname` of the exception's class.
        message: `str(exception)`.
        args: The exception's arguments, when they are JSON values; otherwise absent.
        traceback: The formatted traceback.
    """

    type: str
    message: str
    args: list[Any] | None = None
    traceback: str = ""

    @property
    def summary(self) -> str:
        """One line: the class's short name and the message."""
        return f"{self.type.rpartition(':')[2]}: {self.message}"


def describe(error: BaseException) -> Failure:
    """Make the record of an exception.

    Args:
        error: Any exception.

    Returns:
        Its record. Arguments that are no JSON values are left out; the message always stays.
    """
    return Failure(
        type=f"{type(error).__module__}:{type(error).__qualname__}",
        message=_message(error),
        args=_args(error),
        traceback=_traceback(error),
    )


# An exception's class is the user's: each of its methods may raise, and no record may be lost over that.


def _args(error: BaseException) -> list[Any] | None:
    try:
        given = list(error.args)
        args: list[Any] = msgspec.json.decode(msgspec.json.encode(given))
        return args if args == given else None
    except Exception:  # noqa: BLE001  whatever stands in the way, they are then no JSON values
        return None


def _message(error: BaseException) -> str:
    try:
        return _encodable(str(error))
    except Exception:  # noqa: BLE001  a broken __str__ must not hide the failure itself
        return "(the exception has no readable message)"


def _traceback(error: BaseException) -> str:
    try:
        return _encodable("".join(traceback.format_exception(error)))
    except Exception:  # noqa: BLE001  groups nested thousands deep, overridden __cause__, notes that are no text
        return _encodable("".join(traceback.format_tb(error.__traceback__)))


def _encodable(text: str) -> str:
    """Return text that UTF-8 can hold: names of files may have lone surrogates in them."""
    return text.encode("utf-8", "backslashreplace").decode()


def rebuild(failure: Failure) -> Exception | None:
    """Make an exception of the original class again.

    Args:
        failure: A record made by `describe`.

    Returns:
        The exception; None when its class cannot be found any more, is no `Exception`, or does not take its
        arguments back.
    """
    if failure.args is None:
        return None
    module_name, _, qualname = failure.type.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError):
        return None
    if not (isinstance(found, type) and issubclass(found, Exception)):
        return None
    try:
        return found(*failure.args)
    except Exception:  # noqa: BLE001  any constructor may refuse; the caller then raises the record itself
        return None
