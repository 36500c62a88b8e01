from datetime import timedelta
from typing import Any

import pytest

from maestro_core_api import APIClient, ClientConfig, RetryConfig, ServiceUnavailableException
from maestro_core_api._client._metrics import ClientMetrics
from maestro_core_api.testing import running
from maestro_core_monitoring import MetricsCollector

QUICK = ClientConfig(retry=RetryConfig(first_pause=timedelta(milliseconds=1)))


async def test_an_instance_that_fails_is_asked_last_for_a_while(
    raw: Any, answer: Any, registry: Any, token: str
) -> None:
    """After one 503 of an instance, calls go to the other one."""
    bad, good = await raw(answer(503)), await raw(answer(200))
    async with (
        running(registry.app) as registry_url,
        APIClient(registry_url=registry_url, token=token, config=QUICK) as client,
    ):
        registry.add("orders", bad.url, good.url)
        for _ in range(6):
            await client.get("service://orders/")
    assert (bad.count, good.count) == (1, 6)


async def test_a_base_url_may_name_a_service(raw: Any, answer: Any, registry: Any, token: str) -> None:
    """Paths under service://<name> are resolved through the registry."""
    server = await raw(answer(200))
    async with running(registry.app) as url, APIClient("service://orders/v1", registry_url=url, token=token) as client:
        registry.add("orders", server.url)
        await client.get("/orders")
    assert server.requests[0][0] == "GET /v1/orders HTTP/1.1"


async def test_services_outlive_their_registry(raw: Any, answer: Any, registry: Any, token: str) -> None:
    """While the registry is away, what it said last is used; a service it never told of cannot be found."""
    server = await raw(answer(200))
    async with APIClient(registry_url="http://127.0.0.1:1", retries=0) as client:
        with pytest.raises(ServiceUnavailableException):
            await client.get("service://orders/")
    async with running(registry.app) as registry_url:
        registry.add("orders", server.url)
        client = APIClient(registry_url=registry_url, token=token, retries=0)
        await client.__aenter__()
        await client.get("service://orders/")
    try:
        client._sender._resolver.forget("service://orders/")
        await client.get("service://orders/")
    finally:
        await client.__aexit__(None, None, None)
    assert server.count == 2


async def test_attempts_retries_and_circuits_are_counted(raw: Any, answer: Any) -> None:
    """Labels are service, target, method and outcome; never the path."""
    metrics = MetricsCollector("shop")
    server = await raw(answer(503), *[answer(200)] * 200, answer(503))
    host = server.url.removeprefix("http://")
    async with APIClient(config=QUICK, metrics=metrics) as client:
        for number in range(5):
            await client.get(f"{server.url}/orders/{number}")
    text = metrics.exposition()[0].decode()
    assert f'client_requests_total{{method="GET",outcome="200",service="shop",target="{host}"}} 5.0' in text
    assert f'client_requests_total{{method="GET",outcome="503",service="shop",target="{host}"}} 1.0' in text
    assert f'client_retries_total{{service="shop",target="{host}",verdict="made"}} 1.0' in text
    assert f'client_request_duration_seconds_count{{method="GET",service="shop",target="{host}"}} 6.0' in text
    assert "/orders" not in text
    async with APIClient(server.url, retries=0, metrics=metrics) as client:
        server._answers[:] = [answer(503)]
        for _ in range(10):
            with pytest.raises(Exception, match="503"):
                await client.get("/", headers={})
    assert f'client_circuit_state{{service="shop",target="{host}"}} 2.0' in metrics.exposition()[0].decode()


async def test_no_number_of_hosts_makes_the_labels_grow() -> None:
    """A hundred targets are told apart; all others are counted as overflow."""
    metrics = MetricsCollector("shop")
    counted = ClientMetrics(metrics)
    for number in range(1_000):
        counted.attempted(f"host-{number}", "GET" if number % 2 else f"ODD{number}", "200", 0.1)
    text = metrics.exposition()[0].decode()
    assert len({line for line in text.splitlines() if line.startswith("client_requests_total{")}) == 102
    assert 'method="_OTHER",outcome="200",service="shop",target="overflow"' in text
