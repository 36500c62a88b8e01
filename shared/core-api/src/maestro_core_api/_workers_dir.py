"""The folder through which several workers of a service share their metrics."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def make_workers_dir(workers: int) -> Path | None:
    """Make the folder that workers share; the process that made it removes it when it ends.

    Args:
        workers: How many processes are to serve.

    Returns:
        The folder; None for one process, which shares nothing.
    """
    if workers == 1:
        return None
    folder = Path(tempfile.mkdtemp(prefix="maestro-workers-"))
    atexit.register(_remove, folder, os.getpid())
    return folder


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # a worker is a fork, and inherits what is to be done at the end
        shutil.rmtree(folder, ignore_errors=True)
