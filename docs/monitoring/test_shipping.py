"""What a test says about metrics and spans."""

from orders import metrics, on_shipped, ship

from maestro_core_monitoring.testing import captured_spans, metric_changes


async def test_shipping_counts_and_hands_its_trace_on() -> None:
    """One order shipped, and the invoice is in the trace of the order."""
    with captured_spans() as spans, metric_changes(metrics) as changes:
        for number in range(50):  # one in ten is sampled
            await on_shipped(await ship(f"order-{number}"))
    assert changes.of("orders_shipped_total", country="nl") == 50
    assert changes.of("order_packing_seconds_count") == 50
    assert len(spans.named("ship")) == len(spans.named("send invoice"))
    for invoice in spans.named("send invoice"):
        (order,) = [span for span in spans.of_trace(invoice.trace_id) if span.name == "ship"]
        assert invoice.parent_id == order.span_id
