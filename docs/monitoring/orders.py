"""A service's own metrics, objectives, health checks and traces."""

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

from opentelemetry import trace

from maestro_core_monitoring import (
    HealthCheckError,
    HealthRegistry,
    MetricsCollector,
    Objectives,
    configure_tracing,
    continued_trace,
    inject,
)

# region: metrics
metrics = MetricsCollector("orders", version="1.4.0")

shipped = metrics.counter("orders_shipped", "Orders shipped, by country.", ("country",))
waiting = metrics.gauge("orders_waiting", "Orders that wait to be packed.")
packing = metrics.histogram("order_packing_seconds", "Time to pack an order.", buckets=(1, 5, 15, 60, 300))
customers = metrics.gauge("customer_orders_open", "Open orders, by customer.", ("customer",), max_series=200)


@packing.time()
async def pack(country: str) -> None:
    with waiting.track_inprogress():
        await asyncio.sleep(0)
    shipped.labels(country).inc()


# endregion: metrics

# region: objectives
metrics.objectives = Objectives(
    availability=0.9995,
    latency=0.99,
    latency_threshold=timedelta(milliseconds=250),
    runbook_url="https://wiki.example/runbooks/{alert}",
)
# endregion: objectives

# region: health
health = HealthRegistry(metrics)
metrics.watch_disk("data", Path())


def database_answers() -> None:  # not async: runs in a thread
    with sqlite3.connect(":memory:") as database:
        database.execute("SELECT 1")


async def carrier_answers() -> None:
    raise HealthCheckError("the carrier's interface is away")


async def prices_are_loaded() -> None: ...


health.add("database", database_answers, timeout=timedelta(seconds=5))
health.add("carrier", carrier_answers, critical=False, cache=timedelta(seconds=30))
health.add("prices", prices_are_loaded, kind="startup")
# endregion: health

# region: tracing
configure_tracing("orders", version="1.4.0", environment="production", sample_ratio=0.1)
tracer = trace.get_tracer(__name__)


@tracer.start_as_current_span("ship")
async def ship(order_id: str) -> dict[str, object]:
    await pack("nl")
    event: dict[str, object] = {"specversion": "1.0", "type": "order.shipped", "source": "/orders", "id": order_id}
    return inject(event)  # adds traceparent


async def on_shipped(event: dict[str, object]) -> None:
    with continued_trace(event, "send invoice"):  # in the same trace, below "ship"
        await asyncio.sleep(0)


# endregion: tracing


async def main() -> None:
    """Ship an order and ask how things are."""
    event = await ship("order-17")
    await on_shipped(event)
    report = await health.run("readiness")
    assert report.healthy
    assert report.degraded
    assert report.failing[0].error == "the carrier's interface is away"
    assert (await health.run("startup")).healthy
    body, _ = metrics.render("application/openmetrics-text; version=1.0.0")
    assert b'orders_shipped_total{country="nl"} 1.0' in body


if __name__ == "__main__":
    asyncio.run(main())
