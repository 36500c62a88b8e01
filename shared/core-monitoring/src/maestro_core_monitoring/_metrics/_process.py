"""Memory, processor time, files and start of the processes of a service."""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector


class Processes(Collector):
    """Shows the metrics `process_*` of this process, or of every worker under a label `worker`.

    They are not added up: a counter that falls when a worker goes would look like a restart of the whole service.

    Args:
        workers: Returns number and process id of each live worker; None shows this process, without the label.
    """

    def __init__(self, workers: Callable[[], Sequence[tuple[int, int]]] | None = None) -> None:
        self._workers = workers
        self._own = ProcessCollector(registry=None)

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client."""
        if self._workers is None:
            return self._own.collect()
        merged: dict[str, Metric] = {}
        for number, pid in self._workers():
            for metric in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]  # bound now
                shown = merged.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
                shown.samples += [sample._replace(labels={"worker": str(number)}) for sample in metric.samples]
        return merged.values()
