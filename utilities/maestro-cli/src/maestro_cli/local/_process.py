"""Starting a service's process and ending it, with everything that it has started."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final

import psutil

from maestro_cli._errors import HomeError

_ROTATE_AT_BYTES: Final = 16 * 1024 * 1024


async def spawn(command: Sequence[str], environ: Mapping[str, str], log_file: Path) -> asyncio.subprocess.Process:
    """Start a process in a session of its own.

    Args:
        command: The words of its command, the first an absolute path.
        environ: Its whole environment.
        log_file: Where its output goes, appended.

    Returns:
        The process; its id is also the id of its process group and session.

    Raises:
        HomeError: The log cannot be written.
    """
    from maestro_core_config import tethered  # noqa: PLC0415  commands that start nothing do without

    with _open_log(log_file) as log:
        return await asyncio.create_subprocess_exec(
            *tethered(),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(environ),
            start_new_session=True,
        )


def log_size(path: Path) -> int:
    """Tell where the next process will begin to write.

    Args:
        path: A log, which `spawn` puts aside when it has grown large.

    Returns:
        Its size in bytes; 0 when it is not there or will be put aside.
    """
    size = path.stat().st_size if path.exists() else 0
    return 0 if size > _ROTATE_AT_BYTES else size


def _open_log(path: Path) -> BinaryIO:
    try:
        if path.exists() and path.stat().st_size > _ROTATE_AT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path.open("ab")
    except OSError as error:
        raise HomeError(path, error.strerror or str(error)) from error


async def end(
    process: asyncio.subprocess.Process,
    *,
    grace: timedelta,
    hurry: asyncio.Event,
    asked_by: signal.Signals = signal.SIGTERM,
) -> int:
    """End a process: ask it, wait, then kill its whole group.

    Args:
        process: The process, as `spawn` gave it.
        grace: How long it may take after being asked.
        hurry: Ends the wait when it is set.
        asked_by: The signal that asks it.

    Returns:
        Its exit code; negative: the signal that ended it.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(asked_by)
        ended = asyncio.ensure_future(process.wait())
        hurried = asyncio.ensure_future(hurry.wait())
        try:
            await asyncio.wait({ended, hurried}, timeout=grace.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurried.cancel()
            kill_group(process.pid)
        await ended
    kill_group(process.pid)
    return await process.wait()


def kill_group(pid: int) -> None:
    """Kill what is left of a process group.

    Args:
        pid: Id of the process that leads or led it.
    """
    # macOS answers EPERM for a group that holds nothing but a zombie.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def process_started(pid: int) -> float | None:
    """Tell when a process started.

    Args:
        pid: Its id.

    Returns:
        Seconds since the epoch, or None when there is no such process.
    """
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def resident_bytes(pid: int) -> int | None:
    """Measure the memory of a process and everything below it.

    Args:
        pid: Its id.

    Returns:
        Resident bytes, or None when there is no such process.
    """
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.Error:
        return None
    total = 0
    for process in family:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total
