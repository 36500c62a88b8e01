import asyncio
from typing import Any

import pytest
from prometheus_client import Counter as ForeignCounter
from prometheus_client.parser import text_string_to_metric_families

from maestro_core_logging.testing import capture_logs
from maestro_core_monitoring import MetricsCollector, MonitoringError


def value(collector: MetricsCollector, name: str, **labels: str) -> float | None:
    """Read one sample the way Prometheus does; None when there is none."""
    for family in text_string_to_metric_families(collector.exposition()[0].decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return None


@pytest.fixture
def collector() -> MetricsCollector:
    return MetricsCollector("orders", max_series=3)


def test_a_metric_without_labels_is_shown_from_the_beginning(collector: MetricsCollector) -> None:
    """A counter that has not counted yet is zero, not absent: otherwise its first increment cannot be seen."""
    collector.counter("parcels_total", "Parcels.")
    assert value(collector, "parcels_total") == 0


def test_counters_are_completed_and_only_grow(collector: MetricsCollector) -> None:
    """`parcels` is `parcels_total`; a negative amount is refused and changes nothing."""
    parcels = collector.counter("parcels", "Parcels.")
    assert parcels is collector.counter("parcels_total", "Parcels.")
    parcels.inc()
    parcels.inc(2.5)
    for amount in (-1, float("nan")):
        with pytest.raises(MonitoringError, match="only grows"):
            parcels.inc(amount)
    assert value(collector, "parcels_total") == 3.5


def test_exceptions_are_counted_by_kind(collector: MetricsCollector) -> None:
    """count_exceptions counts what leaves the block, passes it on, and leaves other kinds alone."""
    failures = collector.counter("failures", "Failures.", ("step",))
    with pytest.raises(KeyError), failures.labels("a").count_exceptions(LookupError):
        raise KeyError
    with pytest.raises(ValueError, match="other"), failures.labels(step="a").count_exceptions(LookupError):
        raise ValueError("other")
    assert value(collector, "failures_total", step="a") == 1


def test_gauges_go_both_ways(collector: MetricsCollector) -> None:
    """A gauge can be set, raised, lowered, follow a block, and be asked of a function."""
    gauge = collector.gauge("places", "Places.")
    gauge.set(5)
    gauge.inc(2)
    gauge.dec()
    with gauge.track_inprogress():
        assert value(collector, "places") == 7
    assert value(collector, "places") == 6
    gauge.set_function(lambda: 41 + 1)
    assert value(collector, "places") == 42
    gauge.set_to_current_time()
    assert value(collector, "places") == 42


def test_a_function_that_fails_leaves_the_last_value_and_the_other_metrics(collector: MetricsCollector) -> None:
    """One broken gauge does not take the service's metrics away; the log tells of it once."""
    gauge = collector.gauge("places", "Places.")
    gauge.set(5)
    gauge.set_function(lambda: 1 / 0)
    with capture_logs() as lines:
        assert value(collector, "places") == 5
        assert value(collector, "places") == 5
    assert [(line["metric"], line["level"]) for line in lines] == [("places", "warning")]


def test_histograms_count_by_size(collector: MetricsCollector) -> None:
    """A value belongs to every bucket whose bound it does not exceed; what is not a number is left out."""
    sizes = collector.histogram("sizes_bytes", "Sizes.", buckets=(1, 10, float("inf")))
    for size in (0.5, 1, 2, 11, float("nan")):
        sizes.observe(size)
    assert [value(collector, "sizes_bytes_bucket", le=bound) for bound in ("1.0", "10.0", "+Inf")] == [2, 3, 4]
    assert value(collector, "sizes_bytes_count") == 4
    assert value(collector, "sizes_bytes_sum") == 14.5


async def test_timing_covers_blocks_functions_and_coroutines(collector: MetricsCollector) -> None:
    """An async function is timed until it has ended, not until it was called."""
    seconds = collector.histogram("work_seconds", "Work.")
    ended: list[float | None] = []

    @seconds.time()
    async def later() -> str:
        await asyncio.sleep(0)
        ended.append(value(collector, "work_seconds_count"))
        return "done"

    @seconds.time()
    def now(number: int) -> int:
        return number + 1

    assert await later() == "done"
    assert ended == [0]
    assert value(collector, "work_seconds_count") == 1
    assert now(1) == 2
    with seconds.time():
        pass
    with pytest.raises(KeyError), seconds.time():
        raise KeyError
    assert value(collector, "work_seconds_count") == 4


def test_own_metrics_are_bounded_and_say_so_once(collector: MetricsCollector) -> None:
    """Beyond the limit, counts go to `overflow`; one warning names the metric, and a metric tells how often."""
    visits = collector.counter("visits", "Visits.", ("customer", "page"))
    with capture_logs() as lines:
        for number in range(10):
            visits.labels(number, "start").inc()
    shown = {
        sample.labels["customer"]: sample.value
        for family in text_string_to_metric_families(collector.exposition()[0].decode())
        for sample in family.samples
        if sample.name == "visits_total"
    }
    assert shown == {"0": 1, "1": 1, "2": 1, "overflow": 7}
    assert [(line["metric"], line["max_series"]) for line in lines] == [("visits_total", 3)]
    assert value(collector, "service_metric_series_refused_total", service="orders", metric="visits_total") == 7
    visits.labels("1", "start").inc()
    assert value(collector, "visits_total", customer="1", page="start") == 2


def test_a_metric_may_have_a_limit_of_its_own(collector: MetricsCollector) -> None:
    """max_series of a metric wins over that of the collector."""
    rooms = collector.histogram("room_seconds", "Rooms.", ("room",), buckets=(1,), max_series=5)
    for number in range(6):
        rooms.labels(number).observe(0.5)
    assert value(collector, "room_seconds_count", room="4") == 1
    assert value(collector, "room_seconds_count", room="overflow") == 1
    assert value(collector, "room_seconds_count", room="5") is None


def test_gauges_beyond_the_limit_are_not_shown(collector: MetricsCollector) -> None:
    """A gauge that stood for several things would be true of none; the first ones stay right."""
    levels = collector.gauge("level", "Levels.", ("tank",))
    for number in range(6):
        levels.labels(number).set(number)
    assert [value(collector, "level", tank=tank) for tank in ("0", "1", "2", "3", "overflow")] == [0, 1, 2, None, None]


def test_what_is_gone_can_be_removed(collector: MetricsCollector) -> None:
    """A removed series is not shown, makes room for another one, and begins at zero when it comes back."""
    levels = collector.gauge("level", "Levels.", ("tank",))
    held = levels.labels("a")
    held.set(1)
    levels.remove("a")
    levels.remove(tank="never there")
    held.set(9)
    assert value(collector, "level", tank="a") is None
    for tank in "bcd":
        levels.labels(tank).set(2)
    assert value(collector, "level", tank="d") == 2
    levels.remove("b")
    assert levels.labels("a").values[levels.labels("a").at] == 0


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("1st", {}, "no metric name"),
        ("with-dash", {}, "no metric name"),
        ("sizes", {"labels": ("le",)}, "cannot have a label 'le'"),
        ("sizes", {"labels": ("__a",)}, "cannot have a label '__a'"),
        ("sizes", {"labels": ("a", "a")}, "names a label twice"),
        ("sizes", {"buckets": (2, 1)}, "needs ascending buckets"),
        ("sizes", {"buckets": (1, 1)}, "needs ascending buckets"),
        ("sizes", {"buckets": range(2_000)}, "1000 are the most"),
    ],
)
def test_what_cannot_be_a_metric_is_refused(
    collector: MetricsCollector, name: str, options: dict[str, Any], said: str
) -> None:
    """The error tells what is wrong with which metric."""
    with pytest.raises(MonitoringError, match=said) as caught:
        collector.histogram(name, "Sizes.", **options)
    assert name in str(caught.value)


@pytest.mark.parametrize("wrong", ["too few", "too many", "unknown", "both", "none"])
def test_labels_must_be_those_of_the_metric(collector: MetricsCollector, wrong: str) -> None:
    """The error lists the labels that the metric has."""
    counter = collector.counter("c", "C.", ("a", "b"))
    calls = {
        "too few": lambda: counter.labels("1"),
        "too many": lambda: counter.labels("1", "2", "3"),
        "unknown": lambda: counter.labels(a="1", c="2"),
        "both": lambda: counter.labels("1", b="2"),
        "none": counter.inc,
    }
    with pytest.raises(MonitoringError, match="c_total"):
        calls[wrong]()


def test_other_buckets_are_another_meaning(collector: MetricsCollector) -> None:
    """The same histogram with other buckets is an error."""
    collector.histogram("sizes", "Sizes.", buckets=(1, 2))
    with pytest.raises(MonitoringError, match="other buckets"):
        collector.histogram("sizes", "Sizes.", buckets=(1, 2, 3))


def test_metrics_of_other_libraries_share_the_registry(collector: MetricsCollector) -> None:
    """What prometheus_client registers is shown too, and a name that it has taken cannot be taken again."""
    ForeignCounter("theirs", "Theirs.", registry=collector.registry).inc()
    assert value(collector, "theirs_total") == 1
    with pytest.raises(MonitoringError, match="in the registry already"):
        collector.counter("theirs", "Ours.")


def test_declared_metrics_can_be_listed(collector: MetricsCollector) -> None:
    """A service's own metrics are told apart from those that every service has."""
    collector.counter("parcels", "Parcels.", ("country",))
    (own,) = collector.own
    assert (own.name, own.kind, own.labels) == ("parcels_total", "counter", ("country",))
    names = [metric.name for metric in collector.declared]
    assert {"service_requests_total", "service_health_status", "python_threads", "parcels_total"} <= set(names)
