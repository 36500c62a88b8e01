import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from maestro_core_monitoring import MetricsCollector, MonitoringError
from maestro_core_monitoring.testing import metric_value, metric_values

PROGRAM = Path(__file__).with_name("worker_process.py")


class Worker:
    """A worker process under test."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", PROGRAM, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._answer()["pid"]

    def tell(self, what: str, value: Any = None) -> Any:
        """Let it do something; returns when it is done."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({what: value}) + "\n")
        self.process.stdin.flush()
        return self._answer()["answer"]

    def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Return what it shows."""
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.tell("render"))
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """Return one of the samples that it shows."""
        return self.samples().get((name, frozenset(labels.items())))

    def kill(self) -> None:
        """End it without a chance to write anything."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


class Workers:
    """Starts workers of one service, and ends those that still run."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack

    def start(self) -> Worker:
        worker = Worker(self.folder)
        self._stack.callback(lambda: worker.process.poll() is None and worker.kill())
        return worker


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    with ExitStack() as stack:
        yield Workers(tmp_path / "workers", stack)


def test_each_worker_shows_what_all_have_counted(workers: Workers) -> None:
    """Counters and histograms are added up at once, and nobody has to answer for the others."""
    one, two = workers.start(), workers.start()
    one.tell("count", 2)
    two.tell("count", 3)
    one.tell("observe", 0.5)
    two.tell("observe", 20)
    for worker in (one, two):
        shown = worker.samples()
        requests = {"service": "orders", "method": "GET", "route": "/a"}
        assert shown["parcels_total", frozenset({("country", "nl")})] == 5
        assert shown["service_requests_total", frozenset({**requests, "status": "200"}.items())] == 2
        assert shown["service_request_duration_seconds_count", frozenset(requests.items())] == 2
        assert [shown["weights_bucket", frozenset({("le", le)})] for le in ("1.0", "10.0", "+Inf")] == [1, 1, 2]
        assert shown["weights_sum", frozenset()] == 20.5


def test_gauges_become_one_in_the_way_they_say(workers: Workers) -> None:
    """A sum, the largest, the latest; a health check that fails in one worker fails."""
    one, two = workers.start(), workers.start()
    one.tell("gauge", 7)
    two.tell("gauge", 5)
    one.tell("health", True)
    two.tell("health", False)
    shown = one.samples()
    assert shown["parcels_open", frozenset()] == 12
    assert shown["oldest", frozenset()] == 7
    assert shown["configured", frozenset()] == 5
    assert shown["service_health_status", frozenset({("service", "orders"), ("check", "database")})] == 0


def test_a_killed_worker_leaves_its_counters_and_not_its_gauges(workers: Workers) -> None:
    """What happened has happened; what was so is no longer so."""
    one, two = workers.start(), workers.start()
    for worker in (one, two):
        worker.tell("count", 10)
        worker.tell("gauge", 3)
        worker.tell("observe", 5)
    two.kill()
    shown = one.samples()
    assert shown["parcels_total", frozenset({("country", "nl")})] == 20
    assert shown["weights_count", frozenset()] == 2
    assert shown["parcels_open", frozenset()] == 3
    assert {dict(labels)["worker"] for name, labels in shown if name == "process_resident_memory_bytes"} == {"0"}


def test_restarts_lose_nothing_and_leave_no_files_behind(workers: Workers) -> None:
    """However often workers die, the counts go on and the folder stays small."""
    one = workers.start()
    for _ in range(3):
        two = workers.start()
        two.tell("count", 1)
        two.tell("observe", 5)
        two.kill()
    assert one.value("parcels_total", country="nl") == 3
    three = workers.start()
    three.tell("count", 1)
    one.tell("count", 1)
    assert one.value("parcels_total", country="nl") == three.value("parcels_total", country="nl") == 5
    assert one.value("weights_sum") == three.value("weights_sum") == 15
    assert len(list(workers.folder.glob("*.values"))) == 2


def test_all_workers_may_be_replaced(workers: Workers) -> None:
    """The life of a service is that of its folder, not that of any worker."""
    first = workers.start()
    first.tell("count", 4)
    first.kill()
    second = workers.start()
    second.tell("count", 1)
    assert second.value("parcels_total", country="nl") == 5


def test_a_fold_that_was_interrupted_counts_nothing_twice(workers: Workers) -> None:
    """Killed after the sums were written and before the files were removed, the files are known to be in the sums."""
    one = workers.start()
    one.tell("count", 4)
    one.kill()
    kept = {path: path.read_bytes() for path in workers.folder.iterdir() if path.suffix in {".values", ".keys"}}
    workers.start().kill()
    for path, content in kept.items():
        assert not path.exists()
        path.write_bytes(content)
    two = workers.start()
    assert two.value("parcels_total", country="nl") == 4


def test_a_metric_of_one_worker_is_shown_by_all(workers: Workers) -> None:
    """The worker that answers need not have met the metric itself."""
    one, two = workers.start(), workers.start()
    two.tell("only_here", "rare")
    assert one.value("rare_total") == 1
    assert "# HELP rare_total Known to this worker only." in one.tell("render")


def test_each_process_is_shown_by_its_number(workers: Workers) -> None:
    """Processor time and memory are per worker; a number that became free is taken again."""
    one, two = workers.start(), workers.start()
    numbers = {labels for name, labels in one.samples() if name == "process_cpu_seconds_total"}
    assert numbers == {frozenset({("worker", "0")}), frozenset({("worker", "1")})}
    one.kill()
    workers.start()
    numbers = {labels for name, labels in two.samples() if name == "process_cpu_seconds_total"}
    assert numbers == {frozenset({("worker", "0")}), frozenset({("worker", "1")})}


def test_a_forked_worker_counts_for_itself(workers: Workers) -> None:
    """A child that was forked with the collector open has a file of its own, and both counts arrive."""
    one = workers.start()
    one.tell("count", 1)
    one.tell("fork", 10)
    one.tell("count", 1)
    assert one.value("parcels_total", country="nl") == 12


def test_a_forked_worker_inherits_gauges_once(workers: Workers) -> None:
    """A sum has the parent's part once; what passes in the parent has not failed in a child that was not asked yet."""
    one = workers.start()
    one.tell("gauge", 5)
    one.tell("health", True)
    shown = one.tell("fork_and_render")
    assert "\nparcels_open 6.0\n" in shown
    assert "\noldest 5.0\n" in shown
    assert "\nconfigured 5.0\n" in shown
    assert 'service_health_status{check="database",service="orders"} 1.0' in shown
    assert one.value("parcels_open") == 5


def test_parent_and_child_lose_no_increment_to_each_other(workers: Workers) -> None:
    """Both count at once, in memory of their own."""
    one = workers.start()
    one.tell("fork_and_count_at_once", 20_000)
    assert one.value("parcels_total", country="nl") == 40_000


def test_removed_series_are_gone_and_their_text_is_tidied(workers: Workers) -> None:
    """Things that come and go for a year do not fill the disk, and the other workers do not see them any more."""
    one, two = workers.start(), workers.start()
    one.tell("count", 1)
    assert two.value("parcels_total", country="nl") == 1
    one.tell("remove", "nl")
    assert two.value("parcels_total", country="nl") is None
    one.tell("churn", 5_000)
    two.tell("count", 7)
    assert two.value("parcels_total", country="nl") == one.value("parcels_total", country="nl") == 7
    assert not any(name == "session" for name, _ in two.samples())
    assert max(path.stat().st_size for path in workers.folder.glob("*.keys")) < 500_000


def test_more_series_than_a_page_holds(tmp_path: Path) -> None:
    """The file of numbers grows as it must."""
    metrics = MetricsCollector("orders", workers_dir=tmp_path, max_series=20_000)
    rooms = metrics.histogram("rooms", "Rooms.", ("room",), buckets=range(1, 60))
    for room in range(1_000):
        rooms.labels(room).observe(room % 70)
    samples = {
        (sample.name, sample.labels.get("room")): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
    }
    assert all(samples["rooms_sum", str(room)] == room % 70 for room in range(1_000))


def test_a_disk_that_is_full_costs_new_series_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting goes on; what has no place in the file is not shown, and the log says why, once."""
    metrics = MetricsCollector("orders", workers_dir=tmp_path, max_series=20_000)
    before = metrics.counter("before", "Before.")

    def full(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "posix_fallocate", full)
    rooms = metrics.histogram("rooms", "Rooms.", ("room",), buckets=range(1, 900))
    for room in range(30):
        rooms.labels(room).observe(1)
    before.inc()
    body = metrics.exposition()[0].decode()
    assert "before_total 1.0" in body
    assert 0 < body.count("rooms_count{") < 30


def test_a_folder_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    """The error names the folder, the reason and the variable that names it."""
    (tmp_path / "file").touch()
    with pytest.raises(MonitoringError, match=r"MAESTRO_WORKERS_DIR") as caught:
        MetricsCollector("orders", workers_dir=tmp_path / "file" / "folder")
    assert "Not a directory" in str(caught.value)


def test_a_damaged_line_costs_its_series_and_nothing_else(workers: Workers) -> None:
    """Neither a scrape nor the start of the next worker fails for it."""
    one = workers.start()
    one.tell("count", 1)
    (keys,) = workers.folder.glob("*.keys")
    with keys.open("ab") as text:
        text.write(b'{"place": [3\n{"place":[99,"unknown_total",[]]}\n')
    one.tell("observe", 5)
    assert one.value("weights_sum") == 5
    one.kill()
    assert workers.start().value("parcels_total", country="nl") == 1


@pytest.mark.parametrize("shared", [False, True])
def test_threads_lose_no_increment_to_each_other(tmp_path: Path, shared: bool) -> None:
    """In memory and in a file, whichever instrument they count with."""
    metrics = MetricsCollector("orders", workers_dir=tmp_path if shared else None)
    counter, sizes = metrics.counter("c", "C."), metrics.histogram("h", "H.", buckets=(1, 2))

    def count() -> None:
        for _ in range(5_000):
            counter.inc()
            sizes.observe(1.5)
            metrics.observe_request(method="GET", route="/a", status=500, duration=0.5)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert metric_value(metrics, "c_total") == 20_000
    assert metric_value(metrics, "h_sum") == 30_000
    assert list(metric_values(metrics, "service_requests_total").values()) == [20_000]
    assert list(metric_values(metrics, "service_errors_total").values()) == [20_000]
    assert list(metric_values(metrics, "service_request_duration_seconds_count").values()) == [20_000]


def test_no_answer_is_ever_below_the_one_before(workers: Workers) -> None:
    """While workers count, die, and are folded into one by their successors, a counter never seems to be reset."""
    reader = MetricsCollector("orders", workers_dir=workers.folder)
    answers: list[float] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            answers.append(metric_value(reader, "parcels_total", country="nl") or 0)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(3):
            pair = [workers.start(), workers.start()]
            for amount in range(1, 11):
                for worker in pair:
                    worker.tell("count", amount)
                begun = len(answers) + 2  # one that was under way, and one that began after the counting
                while len(answers) < begun:
                    time.sleep(0.001)
            for worker in pair:
                worker.kill()
        workers.start()
    finally:
        ended.set()
        thread.join()
    assert answers == sorted(answers)
    assert metric_value(reader, "parcels_total", country="nl") == 3 * 2 * 55
    assert len(set(answers)) >= 3 * 10
