import asyncio
import gc
import threading
import time
from datetime import timedelta
from pathlib import Path

from maestro_core_monitoring import MetricsCollector
from maestro_core_monitoring.testing import metric_changes, metric_value

OFTEN = timedelta(milliseconds=1)


async def test_the_lag_of_the_loop_is_measured() -> None:
    """What blocks the event loop shows: a wake-up that is late by as much lies above the bounds below it."""
    metrics = MetricsCollector("orders")
    async with asyncio.timeout(60), metrics.runtime_watched(OFTEN):
        while not metric_value(metrics, "asyncio_loop_lag_seconds_count"):
            await asyncio.sleep(0.001)
        with metric_changes(metrics) as changes:
            time.sleep(0.3)  # noqa: ASYNC251 - this is what is to be found
            while (
                changes.of("asyncio_loop_lag_seconds_count") - changes.of("asyncio_loop_lag_seconds_bucket", le="0.1")
                < 1
            ):
                await asyncio.sleep(0.001)


async def test_tasks_and_threads_are_counted() -> None:
    """Tasks that have not ended, threads that run."""
    metrics = MetricsCollector("orders")
    go_on, in_thread = asyncio.Event(), threading.Event()
    thread = threading.Thread(target=in_thread.wait)
    before = metric_value(metrics, "python_threads")
    thread.start()
    assert metric_value(metrics, "python_threads") == (before or 0) + 1
    in_thread.set()
    thread.join()
    waiting = [asyncio.create_task(go_on.wait()) for _ in range(50)]
    async with asyncio.timeout(60), metrics.runtime_watched(OFTEN):
        while (metric_value(metrics, "asyncio_tasks") or 0) < 50:
            await asyncio.sleep(0.001)
    go_on.set()
    await asyncio.gather(*waiting)


async def test_garbage_collection_is_counted_and_timed() -> None:
    """Each collection counts, and while the runtime is watched its pause is observed; afterwards nothing stays behind."""
    metrics = MetricsCollector("orders")
    callbacks = list(gc.callbacks)
    async with asyncio.timeout(60), metrics.runtime_watched(OFTEN):
        with metric_changes(metrics) as changes:
            gc.collect()
            assert changes.of("python_gc_collections_total", generation="2") >= 1
            while changes.of("python_gc_pause_seconds_count", generation="2") < 1:
                await asyncio.sleep(0.001)
    assert gc.callbacks == callbacks


async def test_the_end_of_watching_leaves_no_task() -> None:
    """A lifespan that ends must not leave anything running, however it ends."""
    metrics = MetricsCollector("orders")
    before = asyncio.all_tasks()
    try:
        async with metrics.runtime_watched(OFTEN):
            raise LookupError
    except LookupError:
        assert asyncio.all_tasks() == before


def test_disks_are_measured_when_they_are_read(tmp_path: Path) -> None:
    """Free space is never more than the size; a folder that is gone leaves the last value."""
    metrics = MetricsCollector("orders")
    folder = tmp_path / "data"
    folder.mkdir()
    metrics.watch_disk("data", folder)
    free = metric_value(metrics, "service_disk_free_bytes", service="orders", disk="data")
    size = metric_value(metrics, "service_disk_size_bytes", service="orders", disk="data")
    assert free is not None
    assert size is not None
    assert 0 < free <= size
    folder.rmdir()
    assert metric_value(metrics, "service_disk_size_bytes", service="orders", disk="data") == size


def test_what_runs_is_told() -> None:
    """One series of the value 1, by which metrics of the process are joined to their service."""
    metrics = MetricsCollector("orders", version="1.2.3")
    assert metric_value(metrics, "service_info", service="orders", version="1.2.3") == 1
