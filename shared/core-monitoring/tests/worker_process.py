"""A worker of a service, as a process of its own: counts what it is told to on stdin, and answers on stdout.

`python worker_process.py FOLDER`, then one JSON document a line: `{"count": 3}`, `{"render": null}`; the names are those of
the methods below.
"""

import json
import os
import sys
from pathlib import Path

from maestro_core_monitoring import MetricsCollector


class Told:
    """What a worker can be told to do."""

    def __init__(self, folder: Path) -> None:
        self.metrics = MetricsCollector("orders", workers_dir=folder)
        self.counter = self.metrics.counter("parcels", "Parcels.", ("country",))
        self.gauges = [
            self.metrics.gauge("parcels_open", "Open."),
            self.metrics.gauge("oldest", "Oldest.", across="max"),
            self.metrics.gauge("configured", "Configured.", across="latest"),
        ]
        self.weights = self.metrics.histogram("weights", "Weights.", buckets=(1, 10))

    def count(self, amount: float) -> None:
        self.counter.labels("nl").inc(amount)
        self.metrics.observe_request(method="GET", route="/a", status=200, duration=0.02)

    def gauge(self, value: float) -> None:
        for gauge in self.gauges:
            gauge.set(value)

    def health(self, healthy: bool) -> None:
        self.metrics.set_health("database", healthy)

    def observe(self, value: float) -> None:
        self.weights.observe(value)

    def only_here(self, name: str) -> None:
        self.metrics.counter(name, "Known to this worker only.").inc()

    def remove(self, country: str) -> None:
        self.counter.remove(country)

    def churn(self, times: int) -> None:
        sessions = self.metrics.gauge("session", "Sessions.", ("id",))
        for number in range(times):
            sessions.labels(number).set(1)
            sessions.remove(number)

    def fork(self, amount: float) -> None:
        child = os.fork()
        if child == 0:
            self.counter.labels("nl").inc(amount)
            os._exit(0)
        os.waitpid(child, 0)

    def fork_and_count_at_once(self, times: int) -> None:
        child = os.fork()
        for _ in range(times):
            self.counter.labels("nl").inc()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)

    def fork_and_render(self, _: None) -> str:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            self.gauges[0].inc()
            with os.fdopen(write, "w") as out:
                out.write(self.render(None))
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as answer:
            shown = answer.read()
        os.waitpid(child, 0)
        return shown

    def render(self, _: None) -> str:
        return self.metrics.exposition()[0].decode()


def say(document: object) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def main() -> None:
    told = Told(Path(sys.argv[1]))
    say({"pid": os.getpid()})
    for line in sys.stdin:
        ((what, value),) = json.loads(line).items()
        say({"answer": getattr(told, what)(value)})


if __name__ == "__main__":
    main()
