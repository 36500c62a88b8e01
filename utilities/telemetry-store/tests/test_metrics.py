import httpx2
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

# The time at which the store's clock stands in these tests, in nanoseconds.
NOW_NS = 1_795_694_400_000_000_000


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf")])
async def test_a_number_that_is_none_does_not_cost_the_others(
    store: httpx2.AsyncClient, sender: dict[str, str], odd: float
) -> None:
    """What cannot be kept is left out of gauges and histograms, and the rest of the batch is kept."""
    request = ExportMetricsServiceRequest()
    of_resource = request.resource_metrics.add()
    of_resource.resource.attributes.append(KeyValue(key="service.name", value=AnyValue(string_value="shop")))
    metrics = of_resource.scope_metrics.add().metrics
    for name, value in (("queue", 3.0), ("odd", odd)):
        gauge = metrics.add(name=name)
        gauge.gauge.data_points.add(time_unix_nano=NOW_NS, as_double=value)
    histogram = metrics.add(name="durations")
    for total in (odd, 1.5):
        histogram.histogram.data_points.add(time_unix_nano=NOW_NS, sum=total, count=1)

    answer = await store.post("/v1/metrics", content=request.SerializeToString(), headers=sender)

    assert answer.status_code == 200
    shown = {name: (await store.get("/series", params={"name": name})).json() for name in ("queue", "odd", "durations")}
    assert [len(series) for series in shown.values()] == [1, 0, 1]
    assert [value for _, value in shown["durations"][0]["points"]] == [1.5]
