import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maestro_core_api import APIClient, RemoteAPIException
from maestro_workflow_engine import replay

pytestmark = pytest.mark.runners("journal", "temporal")

Make = Callable[..., dict[str, Any]]


async def ended(client: APIClient, run_id: str) -> dict[str, Any]:
    """Wait until a run has ended, by following it."""
    async with asyncio.timeout(20):
        async for _ in client.stream_events(f"/runs/{run_id}/events"):
            pass
    run: dict[str, Any] = (await client.get(f"/runs/{run_id}")).json()
    return run


async def _refused(client: APIClient, method: str, url: str, **options: Any) -> RemoteAPIException:
    with pytest.raises(RemoteAPIException) as caught:
        await client.request(method, url, **options)
    return caught.value


async def test_a_document_runs(client: APIClient, document: Make, tmp_path: Path) -> None:
    """A started document runs with its input, calls steps by name, and its output is the last task's."""
    notes = tmp_path / "notes"
    body = document({"write": {"call": "note", "with": {"file": "${ .file }", "line": "${ .line }"}}})
    await client.put("/workflows/tests/job/1.0.0", json=body)
    answer = await client.post(
        "/runs", json={"workflow": "tests/job", "input": {"file": str(notes), "line": "one"}, "id": "r-1"}
    )
    started = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, "/runs/r-1")
    assert (started["id"], started["workflow"], started["version"]) == ("r-1", "tests/job", "1.0.0")
    run = await ended(client, "r-1")
    assert (run["status"], run["output"], run["error"]) == ("completed", "one", None)
    assert run["input"] == {"file": str(notes), "line": "one"}
    assert run["finished_at"] >= run["created_at"]
    assert notes.read_text() == "one\n"


async def test_the_same_id_is_the_same_run(client: APIClient, document: Make, tmp_path: Path) -> None:
    """Starting twice under one id starts once; the id of another workflow's run is a conflict."""
    notes = tmp_path / "notes"
    body = document({"write": {"call": "note", "with": {"file": str(notes), "line": "once"}}})
    await client.put("/workflows/tests/job/1.0.0", json=body)
    for _ in range(2):
        assert (await client.post("/runs", json={"workflow": "tests/job", "id": "r"})).status_code == 202
    await ended(client, "r")
    assert (await client.post("/runs", json={"workflow": "tests/job", "id": "r"})).json()["status"] == "completed"
    assert notes.read_text() == "once\n"
    error = await _refused(client, "POST", "/runs", json={"workflow": "python/add", "input": {"a": 1}, "id": "r"})
    assert (error.status_code, error.error_code) == (409, "CONFLICT")


async def test_python_workflows_run_by_their_public_name(client: APIClient) -> None:
    """A workflow without a namespace is in `python`, and its parameters come from an object."""
    started = (await client.post("/runs", json={"workflow": "python/add:1.0.0", "input": {"a": 2}})).json()
    run = await ended(client, started["id"])
    assert (run["workflow"], run["output"]) == ("python/add", 3)


@pytest.mark.runners("journal")
@pytest.mark.parametrize("reference", ["tests/gone", "add", "python/add:9.9.9", "a/b/c:d"])
async def test_an_unknown_workflow_is_not_started(client: APIClient, reference: str) -> None:
    """A run of an unknown workflow answers 404 and names the registered ones."""
    error = await _refused(client, "POST", "/runs", json={"workflow": reference})
    assert (error.status_code, error.error_code) == (404, "WORKFLOW_NOT_FOUND")
    assert "python/add:1.0.0" in str(error)


@pytest.mark.runners("journal")
@pytest.mark.parametrize(
    "data",
    [
        {"workflow": "python/add", "input": {"a": "two"}},
        {"workflow": "python/add", "input": {"b": 2}},
        {"workflow": "python/add", "input": {"a": 1, "c": 2}},
        {"workflow": "python/add", "input": {"a": 1}, "id": "no such id/"},
    ],
)
async def test_input_that_does_not_fit_starts_nothing(client: APIClient, data: dict[str, Any]) -> None:
    """Input of the wrong type, missing or unknown input, and an unusable id are refused before anything starts."""
    error = await _refused(client, "POST", "/runs", json=data)
    assert (error.status_code, error.error_code) == (422, "PAYLOAD_INVALID")
    assert (await client.get("/runs")).json() == {"runs": [], "next_cursor": None}


async def test_a_documents_input_schema_is_checked_first(client: APIClient, document: Make) -> None:
    """Input that breaks the document's own schema answers 422 with the path of what is wrong, and starts nothing."""
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    await client.put(
        "/workflows/tests/job/1.0.0",
        json=document({"a": {"set": {"x": 1}}}, input={"schema": {"format": "json", "document": schema}}),
    )
    error = await _refused(client, "POST", "/runs", json={"workflow": "tests/job", "input": {"n": "one"}})
    assert error.error_code == "PAYLOAD_INVALID"
    assert error.errors[0]["path"] == "input"
    assert "/n" in error.errors[0]["message"]
    assert (await client.get("/runs")).json()["runs"] == []


@pytest.mark.runners("journal")
@pytest.mark.parametrize("data", [{}, {"workflow": ""}, {"workflow": "python/add", "inptu": 1}, [1]])
async def test_a_request_that_is_none_is_refused(client: APIClient, data: Any) -> None:
    """A start without a workflow, or with members that are not there, answers 422 with the path."""
    error = await _refused(client, "POST", "/runs", json=data)
    assert (error.status_code, error.error_code) == (422, "VALIDATION_FAILED")
    assert error.errors[0]["path"].startswith("body")


async def test_a_signal_goes_to_the_run_that_waits(client: APIClient) -> None:
    """A run shows what it waits for and what it has published; the signal's payload reaches it; then it has ended."""
    await client.post("/runs", json={"workflow": "office/approval", "id": "r"})
    shown = (await client.get("/runs/r")).json()
    assert [(wait["kind"], wait["name"]) for wait in shown["waiting_for"]] == [("signal", "answer")]
    assert (await client.get("/runs/r/queries/state")).json() == "asked"
    answer = await client.post("/runs/r/signals/answer", json={"yes": [1, None]})
    assert answer.status_code == 202
    run = await ended(client, "r")
    assert run["output"] == {"answer": {"yes": [1, None]}}
    error = await _refused(client, "POST", "/runs/r/signals/answer", json=1)
    assert (error.status_code, error.error_code, (error.problem or {})["run_status"]) == (
        409,
        "WORKFLOW_ENDED",
        "completed",
    )


async def test_a_signal_is_any_json_or_nothing(client: APIClient) -> None:
    """Without a body the payload is null; a body that is no JSON is refused."""
    await client.post("/runs", json={"workflow": "office/approval", "id": "r"})
    error = await _refused(client, "POST", "/runs/r/signals/answer", content="{no json")
    assert (error.status_code, error.errors[0]["path"]) == (422, "body")
    await client.post("/runs/r/signals/answer")
    assert (await ended(client, "r"))["output"] == {"answer": None}


async def test_a_run_is_cancelled(client: APIClient) -> None:
    """A cancelled run ends as such, with the reason in its history; asking again is fine."""
    await client.post("/runs", json={"workflow": "office/approval", "id": "r"})
    assert (await client.post("/runs/r/cancel", json={"reason": "a mistake"})).status_code == 202
    assert (await ended(client, "r"))["status"] == "cancelled"
    assert (await client.post("/runs/r/cancel")).status_code == 202
    events = (await client.get("/runs/r/history")).json()["events"]
    assert "a mistake" in [event.get("reason") for event in events]


async def test_a_run_that_has_ended_cannot_be_cancelled(client: APIClient) -> None:
    """Cancelling a run that completed answers 409 and says so."""
    await client.post("/runs", json={"workflow": "python/add", "input": {"a": 1}, "id": "r"})
    await ended(client, "r")
    error = await _refused(client, "POST", "/runs/r/cancel")
    assert (error.status_code, error.error_code, (error.problem or {})["run_status"]) == (
        409,
        "WORKFLOW_ENDED",
        "completed",
    )


async def test_a_failed_run_says_why(client: APIClient, document: Make) -> None:
    """A failed run shows the exception; for a document's task also the error as an object, with the task's place."""
    await client.post("/runs", json={"workflow": "python/failing", "id": "p"})
    python = (await ended(client, "p"))["error"]
    assert (python["type"], python["message"], python["details"]) == ("ValueError", "no reason at all", None)
    assert "ValueError" in python["traceback"]
    await client.put(
        "/workflows/tests/job/1.0.0", json=document({"fail": {"call": "refuse", "with": {"reason": "too late"}}})
    )
    await client.post("/runs", json={"workflow": "tests/job", "id": "d"})
    error = (await ended(client, "d"))["error"]
    assert "too late" in error["message"]
    assert error["details"]["instance"] == "/do/0/fail"


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/runs/gone"),
        ("GET", "/runs/gone/history"),
        ("GET", "/runs/gone/export"),
        ("GET", "/runs/gone/events"),
        ("GET", "/runs/gone/queries/state"),
        ("POST", "/runs/gone/signals/answer"),
        ("POST", "/runs/gone/cancel"),
    ],
)
async def test_an_unknown_run_is_not_found(client: APIClient, method: str, url: str) -> None:
    """Everything about a run that is not there answers 404 `RUN_NOT_FOUND`."""
    error = await _refused(client, method, url)
    assert (error.status_code, error.error_code) == (404, "RUN_NOT_FOUND")
    assert "'gone'" in str(error)


async def test_an_unknown_query_names_what_is_published(client: APIClient) -> None:
    """A key under which nothing is published answers 404 and lists the keys there are."""
    await client.post("/runs", json={"workflow": "office/approval", "id": "r"})
    error = await _refused(client, "GET", "/runs/r/queries/progress")
    assert (error.status_code, error.error_code, (error.problem or {})["published"]) == (
        404,
        "QUERY_NOT_FOUND",
        ["state"],
    )


async def test_runs_are_listed_newest_first_and_filtered(client: APIClient) -> None:
    """Listings go page by page, newest first, and by status and by the workflow's public name."""
    for number in range(3):
        await client.post("/runs", json={"workflow": "python/add", "input": {"a": number}, "id": f"a{number}"})
        await ended(client, f"a{number}")
    await client.post("/runs", json={"workflow": "office/approval", "id": "b"})

    async def ids(**params: Any) -> tuple[list[str], str | None]:
        page = (await client.get("/runs", params=params)).json()
        return [run["id"] for run in page["runs"]], page["next_cursor"]

    first, cursor = await ids(limit=3)
    assert (first, (await ids(limit=3, cursor=cursor))) == (["b", "a2", "a1"], (["a0"], None))
    assert (await ids(status="running"))[0] == ["b"]
    assert (await ids(workflow="python/add", status="completed"))[0] == ["a2", "a1", "a0"]
    assert (await ids(workflow="tests/gone"))[0] == []


@pytest.mark.runners("journal")
@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"status": "sleeping"}, "query.status[0]"),
        ({"limit": 0}, "query.limit"),
        ({"limit": 1001}, "query.limit"),
        ({"cursor": "first"}, "query.cursor"),
    ],
)
async def test_a_listing_that_cannot_be_made_is_refused(client: APIClient, params: dict[str, Any], path: str) -> None:
    """An unknown status, a limit out of bounds and a cursor that is none answer 422 with the parameter's name."""
    error = await _refused(client, "GET", "/runs", params=params)
    assert (error.status_code, error.errors[0]["path"]) == (422, path)


async def test_a_run_keeps_the_trace_of_its_start(client: APIClient) -> None:
    """The trace of the request that started a run is the run's trace."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await client.post(
        "/runs",
        json={"workflow": "python/add", "input": {"a": 1}},
        headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
    )
    assert answer.json()["trace_id"] == trace


async def test_a_run_is_exported_as_a_document(client: APIClient) -> None:
    """The document names the run, and its events replay on the code that made them."""
    import office_steps

    started = (await client.post("/runs", json={"workflow": "python/add", "input": {"a": 2}, "id": "e"})).json()
    await ended(client, started["id"])
    document = (await client.get("/runs/e/export")).json()
    assert (document["format"], document["run_id"], document["workflow"]) == ("maestro-history", "e", "add")
    assert replay(document, office_steps.add).status == "completed"
