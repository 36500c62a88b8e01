"""What a disk that refuses does to requests: a clear answer, nothing lost, and life goes on afterwards."""

import asyncio
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from maestro_core_api import APIClient, RemoteAPIException

Full = Callable[[], AbstractContextManager[None]]
LARGE = "x" * 60_000
JOB = "/workflows/tests/job/1.0.0"


@pytest.fixture
def full_disk() -> Iterator[Full]:
    """Let no file of this process grow beyond 40 kB for a while, which SQLite meets as a write that fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    @contextmanager
    def limited() -> Iterator[None]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_960, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    yield limited
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def _refused(client: APIClient, method: str, url: str, body: Any) -> RemoteAPIException:
    with pytest.raises(RemoteAPIException) as caught:
        await client.request(method, url, json=body)
    error = caught.value
    assert (error.status_code, error.error_code) == (503, "STORAGE_UNAVAILABLE")
    assert "ree some space" in str(error)
    assert error.headers["Retry-After"]
    return error


async def _tried(client: APIClient, start: dict[str, Any]) -> dict[str, Any] | None:
    """Start a run; None while the disk is said to refuse."""
    try:
        run: dict[str, Any] = (await client.post("/runs", json=start)).json()
    except RemoteAPIException as error:
        if error.error_code != "STORAGE_UNAVAILABLE":
            raise
        return None
    return run


async def test_a_run_that_cannot_be_kept_is_not_started(client: APIClient, full_disk: Full) -> None:
    """A start and a signal that do not fit on the disk answer 503; afterwards both work, and nothing was half done."""
    await client.post("/runs", json={"workflow": "office/approval", "id": "r"})
    with full_disk():
        start = {"workflow": "office/approval", "input": None, "id": "late"}
        await _refused(client, "POST", "/runs/r/signals/answer", LARGE)
        with pytest.raises(RemoteAPIException) as caught:
            await client.get("/health/ready")
        assert (caught.value.status_code, "cannot be written" in str(caught.value.problem)) == (503, True)
        assert (await client.get("/runs/r")).json()["status"] == "running"
    async with asyncio.timeout(20):  # the engine goes on refusing for a moment, and says when to try again
        while (answer := await _tried(client, start)) is None:
            await asyncio.sleep(0.02)
    assert answer["id"] == "late"
    assert (await client.get("/health/ready")).status_code == 200
    history = (await client.get("/runs/r/history")).json()["events"]
    assert [event["type"] for event in history] == ["run_started"]


async def test_a_document_that_cannot_be_kept_is_not_registered(
    client: APIClient, full_disk: Full, document: Callable[..., dict[str, Any]]
) -> None:
    """A document that does not fit on the disk answers 503 and is not there; sent again later, it is registered."""
    body = document({"greet": {"set": {"text": LARGE}}})
    with full_disk():
        await _refused(client, "PUT", JOB, body)
        with pytest.raises(RemoteAPIException) as caught:
            await client.get(JOB)
        assert caught.value.error_code == "WORKFLOW_NOT_FOUND"
    assert (await client.put(JOB, json=body)).status_code == 201
