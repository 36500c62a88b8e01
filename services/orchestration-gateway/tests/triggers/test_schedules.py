"""Schedules are the orchestrator's; the gateway makes them what its triggers say, also after either was away."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from maestro_core_api.testing import running

from ..conftest import ECHO, World, bearer, client_of, gateway_app, orchestrator_app  # noqa: TID252 - as its neighbours

NIGHTLY = {
    "kind": "schedule",
    "workflow": "shop/echo",
    "input": {"order": 1},
    "spec": {"cron": "0 3 * * *", "zone": "Europe/Berlin"},
}
ID = "trigger.nightly"


async def applied(world: World, name: str = "nightly", *, expected: bool = True) -> dict[str, Any]:
    """Wait until the schedule of a trigger stands."""
    async with asyncio.timeout(60):
        while True:
            shown: dict[str, Any] = (await world.gateway.get(f"/triggers/{name}")).json()
            if shown["schedule"]["applied"] is expected and (expected or shown["schedule"]["problem"]):
                return shown
            await asyncio.sleep(0.02)


async def gone(world: World) -> None:
    async with asyncio.timeout(60):
        while (await world.orchestrator.get(f"/schedules/{ID}")).status_code != 404:
            await asyncio.sleep(0.02)


async def test_a_schedule_is_made_changed_paused_and_taken_away(world: World) -> None:
    """Each change of the trigger becomes one of the orchestrator's schedule."""
    assert (await world.gateway.put("/triggers/nightly", json=NIGHTLY)).status_code == 201
    await applied(world)
    made = (await world.orchestrator.get(f"/schedules/{ID}")).json()
    assert (made["workflow"], made["input"], made["spec"]["cron"], made["paused"]) == (
        "shop/echo", {"order": 1}, "0 3 * * *", False,
    )  # fmt: skip
    changed = {**NIGHTLY, "paused": True, "spec": {"every_s": 60}}
    assert (await world.gateway.put("/triggers/nightly", json=changed)).json()["revision"] == 2
    await applied(world)
    made = (await world.orchestrator.get(f"/schedules/{ID}")).json()
    assert (made["spec"]["every_s"], made["paused"]) == (60, True)
    fired = await world.orchestrator.post(f"/schedules/{ID}/trigger")
    assert (await world.ended(fired.json()["id"]))["output"] == {"order": 1}
    assert (await world.gateway.delete("/triggers/nightly")).status_code == 204
    await gone(world)


async def test_scheduled_runs_stay_with_their_tenant(world: World) -> None:
    """A tenant that takes the name of another's trigger sees none of its runs; whoever they ran for still does."""
    seen = {}
    for tenant in ("acme", "other"):
        admin = bearer("admin", tenant=tenant)
        made = (await world.gateway.put("/triggers/nightly", json=NIGHTLY, headers=admin)).json()
        await applied(world)
        id_ = made["schedule"]["schedule_id"]
        seen[tenant] = (await world.orchestrator.post(f"/schedules/{id_}/trigger")).json()["id"]
        await world.ended(seen[tenant])
        assert (await world.gateway.delete("/triggers/nightly", headers=admin)).status_code == 204
    for tenant, run_id in seen.items():
        for caller in seen:
            answer = await world.gateway.get(f"/live/runs/{run_id}", headers=bearer("viewer", tenant=caller))
            assert answer.status_code == (200 if caller == tenant else 404)


async def test_a_schedule_that_is_refused_says_why(world: World) -> None:
    """What the orchestrator says stands in the trigger."""
    await world.gateway.put("/triggers/nightly", json={**NIGHTLY, "spec": {"cron": "at night"}})
    shown = await applied(world, expected=False)
    assert "cron" in shown["schedule"]["problem"] or "at night" in shown["schedule"]["problem"]


async def test_files_are_read_and_their_schedules_follow(tmp_path: Path) -> None:
    """A file's schedule is made at the start, and taken away at the one after the file has gone; calls do not change it."""
    folder = tmp_path / "triggers"
    folder.mkdir()
    (folder / "nightly.yaml").write_text(
        "kind: schedule\nworkflow: shop/echo\ninput: {order: 2}\nspec: {cron: '0 4 * * *'}\n"
    )
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(running(orchestrator_app(tmp_path)))
        orchestrator = await stack.enter_async_context(client_of(url, "admin"))
        for turn in range(2):
            app = gateway_app(tmp_path, orchestrator_url=url, triggers_dir=folder)
            async with running(app) as gateway_url, client_of(gateway_url, "admin") as gateway:
                world = World(gateway, orchestrator, app)
                if turn == 0:
                    await world.register(ECHO)
                    shown = await applied(world)
                    assert shown["origin"] == "file"
                    for call in (gateway.put("/triggers/nightly", json=NIGHTLY), gateway.delete("/triggers/nightly")):
                        assert (await call).json()["error_code"] == "TRIGGER_CONFLICT"
                    (folder / "nightly.yaml").unlink()
                else:
                    assert (await gateway.get("/triggers/nightly")).status_code == 404
                    await gone(world)


async def test_a_wish_waits_for_the_orchestrator(tmp_path: Path, open_world: Callable[..., Any]) -> None:
    """A trigger that is declared while the orchestrator is away is applied once it is back."""
    async with open_world(orchestrator_url="http://127.0.0.1:1") as world:
        await world.gateway.put("/triggers/nightly", json=NIGHTLY)
        await applied(world, expected=False)
    async with open_world() as world:
        await world.register(ECHO)
        await applied(world)
