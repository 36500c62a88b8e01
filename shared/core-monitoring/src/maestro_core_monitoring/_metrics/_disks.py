"""Free space of the disks that a service needs."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._collector import MetricsCollector


def watch_disk(metrics: "MetricsCollector", disk: str, path: Path) -> None:
    """Show free space and size of a disk.

    Args:
        metrics: Where.
        disk: Value of the label.
        path: A folder on it.
    """
    labels = ("service", "disk")
    free = metrics.gauge(
        "service_disk_free_bytes", "Free space of a disk that the service needs.", labels, across="min"
    )
    size = metrics.gauge("service_disk_size_bytes", "Size of a disk that the service needs.", labels, across="max")
    free.labels(metrics.service_name, disk).set_function(lambda: shutil.disk_usage(path).free)
    size.labels(metrics.service_name, disk).set_function(lambda: shutil.disk_usage(path).total)
