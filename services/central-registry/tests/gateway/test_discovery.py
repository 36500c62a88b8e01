"""The protocol between gateways and registry, without HTTP: what is answered when, and what is held back."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from central_registry.domain import Registry
from central_registry.gateway.declarations import Declarations
from central_registry.gateway.discovery import Discovery, DiscoveryRequest, DiscoveryResponse
from central_registry.gateway.publisher import EdgePublisher
from central_registry.testing import FakeClock
from maestro_core_api.gateway import Declaration, DeclaredRoute
from maestro_core_logging.testing import capture_logs
from maestro_gateway import EdgeSnapshot

ROUTE = DeclaredRoute(path="/a", is_prefix=True, max_body_bytes=1)
METADATA = {"maestro": {"port": 8080}}


class MemoryDeclarations:
    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    async def load(self) -> dict[str, Any]:
        return self.kept

    async def replace(self, service: str, versions: Any) -> None:
        self.kept[service] = versions


@pytest.fixture
def declarations(registry: Registry) -> Declarations:
    return Declarations(MemoryDeclarations(), registry)


def publisher_of(declarations: Declarations, registry: Registry) -> EdgePublisher:
    return EdgePublisher(declarations.snapshot, (registry.changes, declarations.ticker))


@pytest.fixture
def discovery(declarations: Declarations, registry: Registry) -> Discovery:
    return Discovery(publisher_of(declarations, registry), longest_wait_s=0.05)


def asked(version: str = "", *names: str, **more: Any) -> DiscoveryRequest:
    return DiscoveryRequest.model_validate(
        {"node": {"id": "one", "metadata": METADATA}, "version_info": version, "resource_names": list(names), **more}
    )


async def given(discovery: Discovery, kind: Any, version: str = "", *names: str, **more: Any) -> DiscoveryResponse:
    answer = await discovery.answer(kind, asked(version, *names, **more))
    assert answer is not None
    return answer


async def test_an_answer_has_a_version_that_is_asked_for_again(discovery: Discovery) -> None:
    """The first request is answered at once; one with that version is not, unless there is something new; a new start is."""
    first = await given(discovery, "routes")
    assert first.resources[0]["@type"] == first.type_url
    assert await discovery.answer("routes", asked(first.version_info)) is None
    again = await given(discovery, "routes")
    assert again.version_info == first.version_info
    assert again.nonce != first.nonce


async def test_a_change_ends_the_waiting(declarations: Declarations, registry: Registry) -> None:
    """Who waits is answered when an instance comes, and when its lease ends; kinds that did not change are held back on."""
    publisher = publisher_of(declarations, registry)
    discovery = Discovery(publisher, longest_wait_s=60)
    await declarations.declare("shop", "1.0.0", Declaration(routes=(ROUTE,)))
    async with publisher.at_work():
        versions = {
            kind: (await given(discovery, kind, "", "shop")).version_info for kind in ("endpoints", "listeners")
        }
        waiting = asyncio.create_task(discovery.answer("endpoints", asked(versions["endpoints"], "shop")))
        idle = asyncio.create_task(discovery.answer("listeners", asked(versions["listeners"], "shop")))
        await registry.register("shop", "a", url="http://10.0.0.1:80", version="1.0.0")
        answer = await asyncio.wait_for(waiting, 30)
        assert answer is not None
        (endpoint,) = answer.resources[0]["endpoints"][0]["lb_endpoints"]
        assert endpoint["endpoint"]["address"]["socket_address"] == {"address": "10.0.0.1", "port_value": 80}
        waiting = asyncio.create_task(discovery.answer("endpoints", asked(answer.version_info, "shop")))
        await registry.leave("shop", "a")
        gone = await asyncio.wait_for(waiting, 30)
        assert gone is not None
        assert gone.resources[0]["endpoints"][0]["lb_endpoints"] == []
        assert not idle.done()
        idle.cancel()


async def test_an_expired_instance_is_no_endpoint(
    declarations: Declarations, registry: Registry, discovery: Discovery, clock: FakeClock
) -> None:
    """From the moment at which its lease ends, and before anybody has swept, an instance gets no traffic."""
    await declarations.declare("shop", "1.0.0", Declaration(routes=(ROUTE,)))
    await registry.register("shop", "a", url="http://10.0.0.1:80", version="1.0.0")
    before = await given(discovery, "endpoints", "", "shop")
    clock.advance(10)
    after = await given(discovery, "endpoints", before.version_info, "shop")
    assert after.resources[0]["endpoints"][0]["lb_endpoints"] == []


async def test_a_service_keeps_its_cluster_and_routes(
    declarations: Declarations, registry: Registry, discovery: Discovery
) -> None:
    """What comes and goes are endpoints: clusters and routes stay as they are, so that no gateway has to put them in an order."""
    await declarations.declare("shop", "1.0.0", Declaration(routes=(ROUTE,)))
    clusters, routes = [(await given(discovery, kind)).version_info for kind in ("clusters", "routes")]
    await registry.register("shop", "a", url="http://10.0.0.1:80", version="1.0.0")
    assert await discovery.answer("clusters", asked(clusters)) is None
    assert await discovery.answer("routes", asked(routes)) is None


async def test_what_was_refused_is_not_sent_again_at_once(declarations: Declarations, registry: Registry) -> None:
    """A gateway that asks on with its old version has not taken the new one: the log and `nodes` tell it, and it waits for a newer one."""
    publisher = publisher_of(declarations, registry)
    discovery = Discovery(publisher, longest_wait_s=3600)
    async with publisher.at_work():
        first = await given(discovery, "routes")
        await declarations.declare("shop", "1.0.0", Declaration(routes=(ROUTE,)))
        second = await given(discovery, "routes", first.version_info)
        detail = {"message": "no such thing"}
        with capture_logs() as logs:
            waiting = asyncio.create_task(given(discovery, "routes", first.version_info, error_detail=detail))
            while not logs:
                await asyncio.sleep(0)
        assert [line["reason"] for line in logs if line["level"] == "error"] == ["no such thing"]
        seen = discovery.nodes()["one"]["routes"]
        assert (seen.accepted, seen.sent, seen.error) == (first.version_info, second.version_info, "no such thing")
        await declarations.declare("shop", "2.0.0", Declaration(routes=(ROUTE.model_copy(update={"path": "/b"}),)))
        third = await asyncio.wait_for(waiting, 30)
    assert third.version_info not in {first.version_info, second.version_info}


async def test_what_was_lost_on_the_way_is_sent_again(declarations: Declarations, discovery: Discovery) -> None:
    """An answer that never arrived looks like one that was refused; when the wait is over it is sent again."""
    first = await given(discovery, "routes")
    await declarations.declare("shop", "1.0.0", Declaration(routes=(ROUTE,)))
    second = await given(discovery, "routes", first.version_info)
    again = await given(discovery, "routes", first.version_info)
    assert again.version_info == second.version_info


async def test_waiting_ends_when_the_registry_stops(declarations: Declarations, registry: Registry) -> None:
    """A registry that is to stop lets nobody wait on."""
    discovery = Discovery(publisher_of(declarations, registry), longest_wait_s=3600)
    first = await given(discovery, "routes")
    stopping = asyncio.Event()
    waiting = asyncio.create_task(discovery.answer("routes", asked(first.version_info), stopping=stopping))
    await asyncio.sleep(0)
    assert not waiting.done()
    stopping.set()
    assert await asyncio.wait_for(waiting, 30) is None
    answer = discovery.answer("routes", asked(first.version_info), stopping=stopping)
    assert await asyncio.wait_for(answer, 30) is None


async def test_changes_are_noticed_when_they_happen(declarations: Declarations, registry: Registry) -> None:
    """Who waits is woken by an instance that comes and by a declaration, with no look in between; nothing looks while nothing happens."""
    looks = 0

    def snapshot() -> EdgeSnapshot:
        nonlocal looks
        looks += 1
        return declarations.snapshot()

    tickers = (registry.changes, declarations.ticker)
    never = timedelta(days=1)
    publisher = EdgePublisher(snapshot, tickers, rest=timedelta(0), longest_wait=never)
    async with publisher.at_work():
        while looks < 2:
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert looks == 2
        waiting = asyncio.create_task(publisher.changed())
        await asyncio.sleep(0)
        await registry.register("shop", "a", url="http://10.0.0.1:80", version="1.0.0")
        await asyncio.wait_for(waiting, 30)
        waiting = asyncio.create_task(publisher.changed())
        await asyncio.sleep(0)
        await declarations.declare("shop", "1.0.0", Declaration(routes=(ROUTE,)))
        await asyncio.wait_for(waiting, 30)


async def test_what_does_not_tick_is_noticed_a_little_later(
    declarations: Declarations, registry: Registry, clock: FakeClock
) -> None:
    """A lease that ends is noticed though nobody has swept it."""
    await registry.register("shop", "a", url="http://10.0.0.1:80", version="1.0.0")
    soon = timedelta(milliseconds=1)
    publisher = EdgePublisher(declarations.snapshot, (registry.changes,), rest=soon, longest_wait=soon)
    async with publisher.at_work():
        waiting = asyncio.create_task(publisher.changed())
        await asyncio.sleep(0)
        clock.advance(10)
        await asyncio.wait_for(waiting, 30)


async def test_a_gateway_without_settings_is_refused(discovery: Discovery) -> None:
    """Where a gateway listens is known to itself alone; one that does not say it is told so."""
    with pytest.raises(ValidationError):
        await discovery.answer("routes", DiscoveryRequest.model_validate({"node": {"id": "one"}}))
