"""The metrics of a service, which several workers share through a folder."""

import atexit
import inspect
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from maestro_core_monitoring import MetricsCollector


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


def make_metrics(service_name: str, workers_dir: Path | None) -> MetricsCollector:
    """Make the collector of a service's metrics.

    Args:
        service_name: Value of the `service` label.
        workers_dir: Folder that the workers share; None for one process.

    Returns:
        The collector; of several workers, each shows the numbers of all.
    """
    if workers_dir is None or "workers_dir" not in inspect.signature(MetricsCollector).parameters:
        return MetricsCollector(service_name)
    options: dict[str, Any] = {"workers_dir": workers_dir}
    return MetricsCollector(service_name, **options)


def exposition(metrics: MetricsCollector, accept: str | None) -> tuple[bytes, str]:
    """Render the metrics in the format that was asked for.

    Args:
        metrics: The metrics.
        accept: The request's `Accept` header; None when there is none.

    Returns:
        The body and its content type.
    """
    render = getattr(metrics, "render", None)
    rendered: tuple[bytes, str] = metrics.exposition() if render is None else render(accept)
    return rendered
