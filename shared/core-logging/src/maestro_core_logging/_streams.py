"""Ways to write to a stream: at once, at once if there is room, or by a thread."""

from __future__ import annotations

import errno
import io
import os
import select
import stat
from typing import Any, Final, Literal, Protocol

# The smallest atomic write to a pipe that POSIX grants and Linux has; lines of several processes do not mix up to here.
PIPE_BYTES: Final = 4_096
_NO_WAITING: Final = getattr(os, "RWF_NOWAIT", 0)
_UNSUPPORTED: Final = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)

Way = Literal["text", "file", "pipe"]
"""A stream that takes text; a file that takes bytes; a pipe or socket, which may be full."""


class LogStream(Protocol):
    """Where lines go: anything with `write` and `flush`, such as sys.stdout."""

    def write(self, text: str, /) -> object:
        """Take one line."""

    def flush(self) -> object:
        """Pass on what was taken."""


class CannotTellError(Exception):
    """The operating system cannot say whether a write would block."""


def way_of(stream: Any) -> tuple[Way, int]:
    """Find out how to write to a stream.

    Args:
        stream: The stream.

    Returns:
        The way, and the number of its file; -1 for text.
    """
    if not isinstance(stream, io.TextIOWrapper):
        return "text", -1
    try:
        stream.flush()  # what was printed before comes before
        file = stream.fileno()
        mode = os.fstat(file).st_mode
    except (OSError, ValueError):
        return "text", -1
    return ("pipe" if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else "file"), file


def write_if_room(file: int, line: bytes) -> int:
    """Write to a pipe or socket as much as it takes at once.

    The file's own flags stay as they are: other processes share them.

    Args:
        file: Its number.
        line: What to write.

    Returns:
        How many bytes were written; 0 when it is full.

    Raises:
        CannotTellError: This system or kernel cannot write without waiting (Linux can since 6.4).
        OSError: It cannot be written.
    """
    if not _NO_WAITING:
        raise CannotTellError
    try:
        return os.pwritev(file, (line,), -1, _NO_WAITING)
    except BlockingIOError:
        return 0
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            raise CannotTellError from None
        raise


def write_all(file: int, data: bytes) -> None:
    """Write everything, however long it takes.

    Args:
        file: The number of the file.
        data: What to write.

    Raises:
        TornError: Some of it was written, and then no more.
        OSError: It cannot be written.
    """
    done = 0
    while done < len(data):
        try:
            done += os.write(file, data[done:] if done else data)
        except BlockingIOError:  # somebody made the file non-blocking
            poll = select.poll()
            poll.register(file, select.POLLOUT)
            poll.poll()
        except OSError as error:
            if done:
                raise TornError(error.errno, error.strerror) from error
            raise


class TornError(OSError):
    """A part of the data was written, and then no more."""
