"""The gateway's own span reaches the receiver that everybody else's does."""

from pathlib import Path

from edge_kit.edge import edge, until
from fastapi import Request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from maestro_core_api import APIConfig, MaestroAPI, public
from maestro_core_api.testing import running

TRACE = "2cf7651916cd43dd8448eb211c80319e"


async def test_the_gateways_span_is_in_the_trace(tmp_path: Path) -> None:
    """With `otlp_endpoint`, a request's trace holds a span of the service `gateway`, above the service's own."""
    received: list[ExportTraceServiceRequest] = []
    collector = MaestroAPI(APIConfig(title="Collector", service_name="collector", environment="test"))

    @collector.post("/v1/traces")
    @public
    async def take(request: Request) -> None:
        received.append(ExportTraceServiceRequest.FromString(await request.body()))

    def gateways_spans() -> list[str]:
        return [
            span.name
            for batch in received
            for each in batch.resource_spans
            if any(a.key == "service.name" and a.value.string_value == "gateway" for a in each.resource.attributes)
            for scope in each.scope_spans
            for span in scope.spans
            if span.trace_id.hex() == TRACE
        ]

    async with running(collector) as url, edge(tmp_path, MAESTRO_OTLP_ENDPOINT=url) as site:
        app = site.app()

        @app.get("/about")
        @public
        async def about() -> None: ...

        await site.serve(app)
        await site.reachable("/shop/about")
        client = await site.client()
        await client.get("/shop/about", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
        await until(gateways_spans)
