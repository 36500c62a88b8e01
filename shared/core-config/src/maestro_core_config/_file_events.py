"""Hints that files may have changed: from the operating system where it tells, and every few seconds in any case."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

_log = logging.getLogger("maestro_core_config")
_QUIET_MS, _LONGEST_BURST_MS = 100, 1_000
_MOST_LINKS = 40  # as Linux follows


class FileEvents:
    """A thread that calls back when something happens in the folders of some files.

    Folders are watched and not files, because editors and deployments replace files instead of writing into them.

    Args:
        paths: Returns the files and folders of interest, there or not; asked again after each event.
        notify: Is called in the thread, after each event and whenever `poll_s` has gone by without one.
        poll_s: Seconds.
    """

    def __init__(self, paths: Callable[[], Iterable[Path]], notify: Callable[[], None], poll_s: float) -> None:
        self._paths = paths
        self._notify = notify
        self._poll_s = poll_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="maestro-config-watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        is_told = False
        while not self._stop.is_set():
            try:
                self._follow(folders_of(self._paths()))
            except (OSError, RuntimeError) as error:  # no more watches to be had, or a folder has gone meanwhile
                if not is_told:
                    _log.warning("changes of configuration files are looked for every %g s: %s", self._poll_s, error)
                is_told = True
                if not self._stop.wait(self._poll_s):
                    self._notify()

    def _follow(self, folders: frozenset[Path]) -> None:
        # The backend itself, because its wrapper logs a line for whatever happens in the folders.
        from watchfiles._rust_notify import RustNotify  # noqa: PLC0415 - only those who watch pay for it

        timeout_ms = max(1, int(self._poll_s * 1000))
        with RustNotify(list(map(str, folders)), False, False, 0, False, True) as events:
            # What has happened before the folders were watched.
            self._notify()
            while folders_of(self._paths()) == folders:  # else a link leads elsewhere now, or a folder has come or gone
                if events.watch(_LONGEST_BURST_MS, _QUIET_MS, timeout_ms, self._stop) == "stop":
                    return
                self._notify()


def folders_of(paths: Iterable[Path]) -> frozenset[Path]:
    """Return the folders in which something happens when a file is written, replaced, or reached by another link.

    Args:
        paths: Files and folders, there or not.

    Returns:
        The folder of each, the folder of each link on the way, and what the links lead to. Where something is missing, the
        nearest folder that is there.
    """
    found: set[Path] = set()
    for path in paths:
        _collect(Path(os.path.abspath(path)), found)  # noqa: PTH100 - links must not be resolved
    return frozenset(found)


def _collect(path: Path, found: set[Path]) -> None:
    for _ in range(_MOST_LINKS):
        link = next((step for step in [*reversed(path.parents), path] if step.is_symlink()), None)
        if link is None:
            break
        found.add(link.parent)
        path = Path(os.path.abspath(link.parent / link.readlink())) / path.relative_to(link)  # noqa: PTH100 - as above
    nearest = next(folder for folder in (path, *path.parents) if folder.is_dir())
    found.add(nearest)
    if nearest == path:
        found.add(path.parent)
