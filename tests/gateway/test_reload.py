"""Routes and instances come and go under load, and no request fails."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from edge_kit.edge import Running, bearer, edge, until
from edge_kit.load import steady_load

from maestro_core_api import MaestroAPI, public
from maestro_core_api.gateway import GatewayConfig, GatewayRoute
from maestro_core_api.testing import running

pytestmark = pytest.mark.timeout(280)


def shop(site: Running, version: str, *, extra: int = 0) -> MaestroAPI:
    """A shop that tells its version, with more or fewer routes."""
    routes = tuple(GatewayRoute(path=f"/extra-{number}", authentication="public") for number in range(extra))
    app = site.app(version=version, gateway=GatewayConfig(routes=routes))

    @app.get("/version")
    @public
    async def tell() -> str:
        return version

    @app.post("/version")
    async def change() -> str:
        return version

    return app


@asynccontextmanager
async def serving(site: Running, app: MaestroAPI) -> AsyncIterator[None]:
    """Serve, and stop the way a process does that was told to: not ready first, and gone when nobody comes any more."""
    async with running(app):
        yield
        before = await accepted(site, "endpoints:shop")
        app.begin_drain()

        async def nobody_comes() -> bool:
            return await accepted(site, "endpoints:shop") != before and not len(app.in_flight)

        await until(nobody_comes)


async def accepted(site: Running, kind: str) -> str:
    """Ask the registry which version of its configuration the gateway has."""
    client = await site.client()
    answer = await client.get(f"{site.registry_url}/gateway/nodes", headers=bearer("viewer"))
    return str(answer.json()["nodes"]["gateway"].get(kind, {}).get("accepted"))


async def test_no_request_fails_while_everything_changes(tmp_path: Path) -> None:
    """Six times over routes change, an instance comes and the oldest goes, under load by GET and POST: every request is answered well."""
    async with edge(tmp_path) as site, AsyncExitStack() as stack:
        current = await stack.enter_async_context(AsyncExitStack())
        await current.enter_async_context(serving(site, shop(site, "1.0.0")))
        await site.reachable("/shop/version")
        async with (
            steady_load(site.gateway.url, "/shop/version") as reads,
            steady_load(site.gateway.url, "/shop/version", method="POST", headers=bearer()) as writes,
        ):
            for number in range(1, 7):
                before = await accepted(site, "routes")
                newcomer = await stack.enter_async_context(AsyncExitStack())
                await newcomer.enter_async_context(serving(site, shop(site, f"1.0.{number}", extra=number % 4)))

                async def has_new_routes(before: str = before) -> bool:
                    return await accepted(site, "routes") != before

                await until(has_new_routes)
                await until(lambda n=number: reads.bodies[f'"1.0.{n}"'] and writes.bodies[f'"1.0.{n}"'])
                await current.aclose()
                current = newcomer
        assert reads.failures == []
        assert writes.failures == []
        assert len(reads.bodies) == len(writes.bodies) == 7


async def test_a_stopped_gateway_finishes_what_it_began(tmp_path: Path) -> None:
    """On SIGTERM running requests end well, the process ends with 0, and its folder is gone."""
    async with edge(tmp_path) as site:
        app = site.app()

        @app.get("/slow")
        @public
        async def slow() -> str:
            begun.set()
            await asyncio.sleep(1)
            return "done"

        begun = asyncio.Event()
        await site.serve(app)
        await site.reachable("/shop/openapi.json", headers=bearer("admin"))
        client = await site.client()
        request = asyncio.create_task(client.get("/shop/slow"))
        await begun.wait()
        assert site.gateway.process is not None
        site.gateway.process.send_signal(signal.SIGTERM)
        assert (await request).json() == "done"
        assert await asyncio.to_thread(site.gateway.process.wait, 30) == 0
