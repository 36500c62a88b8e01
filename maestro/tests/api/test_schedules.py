import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maestro.config import OrchestratorConfig
from maestro_core_api import APIClient, RemoteAPIException

pytestmark = pytest.mark.runners("journal", "temporal")

Listed = Callable[..., Awaitable[list[str]]]

Serve = Callable[..., Any]
YEARLY = {"cron": "30 4 1 1 *", "zone": "Europe/Berlin"}
DAILY = {"every_s": 86_400, "offset_s": 3_600}


def _definition(**more: Any) -> dict[str, Any]:
    return {"workflow": "python/add", "input": {"a": 1}, "spec": YEARLY, **more}


async def _refused(client: APIClient, method: str, url: str, **options: Any) -> RemoteAPIException:
    with pytest.raises(RemoteAPIException) as caught:
        await client.request(method, url, **options)
    return caught.value


async def _show(client: APIClient, schedule_id: str = "s") -> dict[str, Any]:
    shown: dict[str, Any] = (await client.get(f"/schedules/{schedule_id}")).json()
    return shown


async def test_a_schedule_is_made_and_shown(client: APIClient) -> None:
    """A new schedule answers with its place and everything about it, and is shown the same afterwards."""
    made = await client.post("/schedules", json={"id": "s", **_definition(jitter_s=0.5, overlap="buffer_one")})
    assert (made.status_code, made.headers["location"]) == (201, "/schedules/s")
    schedule = made.json()
    assert schedule == await _show(client)
    expected = {
        "id": "s",
        "workflow": "python/add",
        "input": {"a": 1},
        "spec": {**YEARLY, "every_s": None, "offset_s": None},
        "overlap": "buffer_one",
        "catch_up_s": 3600,
        "jitter_s": 0.5,
        "paused": False,
        "pause_reason": None,
        "problem": None,
        "last_runs": [],
    }
    assert {name: schedule[name] for name in expected} == expected
    times = [datetime.fromisoformat(time) for time in schedule["next_times"]]
    assert len(times) == 5
    assert {(time.month, time.day, time.hour, time.minute) for time in times} == {(1, 1, 3, 30)}


async def test_an_id_is_taken_once(client: APIClient) -> None:
    """Of many who make a schedule of one id at once one succeeds; the others are told that there is one, and what to do."""
    bodies = [{"id": "s", **_definition(input={"a": number})} for number in range(8)]
    outcomes = await asyncio.gather(*(client.post("/schedules", json=body) for body in bodies), return_exceptions=True)
    made = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, RemoteAPIException)]
    assert (len(made), {(error.status_code, error.error_code) for error in refused}) == (1, {(409, "SCHEDULE_EXISTS")})
    assert len(refused) == 7
    assert (await _show(client))["input"] == made[0].json()["input"]


async def test_a_definition_replaces_what_it_says(client: APIClient) -> None:
    """PUT makes a schedule and then defines it anew; whether it is paused stays as it is."""
    assert (await client.put("/schedules/s", json=_definition(paused=True))).status_code == 201
    again = await client.put("/schedules/s", json=_definition(spec=DAILY, input={"a": 2}))
    schedule = again.json()
    assert (again.status_code, schedule["paused"], schedule["input"]) == (200, True, {"a": 2})
    assert schedule["spec"] == {**DAILY, "cron": None, "zone": None}


async def test_a_change_leaves_the_rest(client: APIClient) -> None:
    """PATCH changes what it names, be it times, workflow or input, and nothing else."""
    await client.post("/schedules", json={"id": "s", **_definition(overlap="allow", jitter_s=9)})
    before = await _show(client)
    timed = (await client.request("PATCH", "/schedules/s", json={"catch_up_s": 60, "overlap": "skip"})).json()
    assert timed == {**before, "catch_up_s": 60, "overlap": "skip"}
    fed = (await client.request("PATCH", "/schedules/s", json={"input": {"a": 3}, "jitter_s": 0})).json()
    # A cluster shows its next times with the delay that it has drawn for each.
    assert fed == {**timed, "input": {"a": 3}, "jitter_s": 0, "next_times": fed["next_times"]}
    moved = (
        await client.request("PATCH", "/schedules/s", json={"workflow": "office/approval:2.1.0", "input": None})
    ).json()
    assert moved == {**fed, "workflow": "office/approval:2.1.0", "input": None}
    assert (await client.request("PATCH", "/schedules/s", json={})).json() == moved


async def test_a_schedule_is_paused_with_a_reason(client: APIClient) -> None:
    """A paused schedule says why and has no next times; resumed it has them again; its runs go on either way."""
    await client.post("/schedules", json={"id": "s", **_definition()})
    paused = (await client.post("/schedules/s/pause", json={"reason": "stocktaking"})).json()
    assert (paused["paused"], paused["pause_reason"], paused["next_times"]) == (True, "stocktaking", [])
    resumed = (await client.post("/schedules/s/resume")).json()
    assert (resumed["paused"], resumed["pause_reason"], len(resumed["next_times"])) == (False, None, 5)


async def test_a_triggered_schedule_starts_a_run(client: APIClient) -> None:
    """A trigger answers with the run and its place, and the schedule shows the run and its status."""
    await client.post("/schedules", json={"id": "s", **_definition(paused=True)})
    started = await client.post("/schedules/s/trigger")
    run = started.json()
    assert (started.status_code, run["workflow"], run["input"]) == (202, "python/add", {"a": 1})
    assert started.headers["location"].replace("%3A", ":").replace("%40", "@") == f"/runs/{run['id']}"
    assert run["id"].startswith("s@")
    async with asyncio.timeout(20):
        while (last := (await _show(client))["last_runs"])[0]["status"] == "running":
            await asyncio.sleep(0.01)
    assert [(run["id"], "completed")] == [(one["id"], one["status"]) for one in last]


async def test_past_times_are_filled_in_once(client: APIClient, listed: Listed, runner: str) -> None:
    """A backfill starts a run for each time of its range, answers with their ids in order, and can be repeated."""
    await client.post("/schedules", json={"id": "s", **_definition(spec=DAILY)})
    wanted = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-04T00:00:00+00:00"}
    sign = "@" if runner == "journal" else "@-"  # as a cluster calls the runs of its schedules
    ids = [f"s{sign}2026-03-0{day}T01:00:00Z" for day in (1, 2, 3)]
    for _ in range(2):
        filled = await client.post("/schedules/s/backfill", json=wanted)
        assert filled.status_code == 202
        assert filled.json() == {"runs": ids}
    await listed(*ids, workflow="python/add", status="completed")
    assert (await client.get("/runs/count", params={"workflow": "python/add"})).json() == {"count": 3}


async def test_a_schedule_is_deleted(client: APIClient) -> None:
    """A deleted schedule is gone, and its runs are there."""
    await client.post("/schedules", json={"id": "s", **_definition()})
    run = (await client.post("/schedules/s/trigger")).json()
    assert (await client.delete("/schedules/s")).status_code == 204
    assert (await _refused(client, "GET", "/schedules/s")).error_code == "SCHEDULE_NOT_FOUND"
    assert (await client.get(f"/runs/{run['id']}")).status_code == 200


async def test_schedules_are_listed_page_by_page(client: APIClient) -> None:
    """Listings go by id; the cursor of a page leads to the next one, and the last page has none."""
    for name in ("c", "a", "b"):
        await client.post("/schedules", json={"id": name, **_definition()})
    first = (await client.get("/schedules?limit=2")).json()
    second = (await client.get("/schedules", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["schedules"]] == ["a", "b"]
    assert ([one["id"] for one in second["schedules"]], second["next_cursor"]) == (["c"], None)


async def test_schedules_survive_a_restart(config: OrchestratorConfig, serve: Serve) -> None:
    """A schedule is there after a restart; one whose workflow is gone says so, cannot be triggered, and can be given another."""
    async with serve(config) as client:
        await client.post("/schedules", json={"id": "s", **_definition(spec={"every_s": 3600})})
    bare = config.model_copy(update={"workflow_modules": []})
    async with serve(bare) as client:
        # Its problem shows once it falls due; a trigger does not wait for that.
        error = await _refused(client, "POST", "/schedules/s/trigger")
        assert (error.status_code, error.error_code) == (409, "WORKFLOW_UNUSABLE")
        assert "is not registered" in str(error)
        now = datetime.now(UTC)
        wanted = {"start": (now - timedelta(hours=3)).isoformat(), "end": (now - timedelta(hours=1)).isoformat()}
        assert (await _refused(client, "POST", "/schedules/s/backfill", json=wanted)).error_code == "WORKFLOW_UNUSABLE"
    async with serve(config) as client:
        assert (await client.post("/schedules/s/trigger")).status_code == 202


@pytest.mark.runners("journal")
@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"spec": {"cron": "61 * * * *"}}, "SCHEDULE_INVALID", None),
        ({"spec": {"cron": "* * * * *", "zone": "Mars/Olympus"}}, "SCHEDULE_INVALID", None),
        ({"spec": {"every_s": 0}}, "SCHEDULE_INVALID", None),
        ({"spec": {"every_s": 10, "offset_s": 10}}, "SCHEDULE_INVALID", None),
        ({"catch_up_s": 0}, "SCHEDULE_INVALID", None),
        ({"id": "no such id/"}, "SCHEDULE_INVALID", None),
        ({"spec": {}}, "VALIDATION_FAILED", "body.spec"),
        ({"spec": {"cron": "* * * * *", "every_s": 1}}, "VALIDATION_FAILED", "body.spec"),
        ({"spec": {"every_s": 1, "zone": "UTC"}}, "VALIDATION_FAILED", "body.spec"),
        ({"spec": {"every_s": "1e400"}}, "VALIDATION_FAILED", "body.spec.every_s"),
        ({"jitter_s": -1}, "VALIDATION_FAILED", "body.jitter_s"),
        ({"overlap": "queue"}, "VALIDATION_FAILED", "body.overlap"),
        ({"cron": "* * * * *"}, "VALIDATION_FAILED", "body.cron"),
        ({"workflow": "python/gone"}, "WORKFLOW_NOT_FOUND", None),
        ({"workflow": "python/add:9.9.9"}, "WORKFLOW_NOT_FOUND", None),
        ({"input": {"a": "two"}}, "PAYLOAD_INVALID", None),
    ],
)
async def test_a_schedule_that_cannot_be_is_not_made(
    client: APIClient, change: dict[str, Any], code: str, path: str | None
) -> None:
    """Wrong times, zones, ids, workflows and inputs are refused by name, and nothing is made or changed."""
    error = await _refused(client, "POST", "/schedules", json={"id": "s", **_definition(), **change})
    assert error.error_code == code
    if path is not None:
        assert [item["path"] for item in error.errors] == [path]
    assert (await client.get("/schedules")).json() == {"schedules": [], "next_cursor": None}
    if "id" not in change:
        await client.put("/schedules/s", json=_definition())
        before = await _show(client)
        assert (await _refused(client, "PATCH", "/schedules/s", json=change)).error_code == code
        assert await _show(client) == before


async def test_a_documents_input_schema_holds_for_schedules(client: APIClient, document: Callable[..., Any]) -> None:
    """Input that breaks a document's schema makes no schedule."""
    schema = {"type": "object", "required": ["n"]}
    body = document({"say": {"set": {"n": 1}}}, input={"schema": {"format": "json", "document": schema}})
    await client.put("/workflows/tests/job/1.0.0", json=body)
    error = await _refused(client, "PUT", "/schedules/s", json=_definition(workflow="tests/job", input={}))
    assert (error.status_code, error.error_code, error.errors[0]["path"]) == (422, "PAYLOAD_INVALID", "input")
    assert (await client.put("/schedules/s", json=_definition(workflow="tests/job", input={"n": 1}))).status_code == 201


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ({"start": "2026-03-01T00:00:00", "end": "2026-03-04T00:00:00Z"}, "body.start"),
        ({"start": "2026-03-01T00:00:00Z", "end": "9999-03-04T00:00:00Z"}, "end"),
        ({"start": "2026-03-01T00:00:00Z"}, "body.end"),
    ],
)
async def test_a_range_that_cannot_be_filled_starts_nothing(
    client: APIClient, wanted: dict[str, Any], path: str
) -> None:
    """Times without a zone, in the future or missing are refused by name."""
    await client.post("/schedules", json={"id": "s", **_definition(spec=DAILY)})
    error = await _refused(client, "POST", "/schedules/s/backfill", json=wanted)
    assert (error.status_code, error.errors[0]["path"]) == (422, path)
    assert (await client.get("/runs")).json()["runs"] == []


@pytest.mark.runners("journal")
@pytest.mark.parametrize(
    ("method", "url"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/trigger")],
)
async def test_an_unknown_schedule_is_not_found(client: APIClient, method: str, url: str) -> None:
    """Everything about a schedule that is not there answers 404 `SCHEDULE_NOT_FOUND`."""
    error = await _refused(client, method, f"/schedules/gone{url}", json={} if method == "PATCH" else None)
    assert (error.status_code, error.error_code) == (404, "SCHEDULE_NOT_FOUND")
    assert "'gone'" in str(error)
