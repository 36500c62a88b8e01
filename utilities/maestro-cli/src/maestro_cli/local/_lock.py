"""One supervisor per home: an advisory lock that the kernel drops when its holder dies, however it dies."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from maestro_cli._errors import AlreadyRunningError, HomeError

from ._home import Home

# `lock_holder` looks by sharing the lock for an instant; a supervisor that starts at that moment tries again.
_PATIENCE: Final = timedelta(milliseconds=300)
_PAUSE: Final = timedelta(milliseconds=10)


@contextlib.contextmanager
def hold_lock(home: Home) -> Iterator[None]:
    """Hold the home's lock while the block runs.

    Args:
        home: The environment's folder.

    Yields:
        Nothing; the lock is held.

    Raises:
        AlreadyRunningError: Another supervisor holds it.
        HomeError: The lock file cannot be used.
    """
    try:
        descriptor = os.open(home.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise HomeError(home.lock_file, error.strerror or str(error)) from error
    try:
        _take(home, descriptor)
        _write_pid(home, descriptor)
        yield
    finally:
        # The file stays: removing it would let two processes hold locks on two files of the same name.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
        os.close(descriptor)


def lock_holder(home: Home) -> int | None:
    """Find the supervisor that runs.

    Args:
        home: The environment's folder.

    Returns:
        Its process id, 0 in the instant before it has written it down, or None when none runs.
    """
    try:
        descriptor = os.open(home.lock_file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 32, 0).strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(descriptor)
    return None


def _take(home: Home, descriptor: int) -> None:
    deadline = time.monotonic() + _PATIENCE.total_seconds()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise AlreadyRunningError(home.root, lock_holder(home) or None) from error
            time.sleep(_PAUSE.total_seconds())
        except OSError as error:
            raise HomeError(home.lock_file, error.strerror or str(error)) from error
        else:
            return


def _write_pid(home: Home, descriptor: int) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        raise HomeError(home.lock_file, error.strerror or str(error)) from error
