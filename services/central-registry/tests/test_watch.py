"""Watching changes over a real socket."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from central_registry.bootstrap import create_app
from central_registry.config import CentralRegistryConfig
from maestro_core_api import APIClient, MaestroAPI, RemoteAPIException, StreamEvent, issue_token
from maestro_core_api.testing import running

SECRET = "a-secret-for-tests-of-at-least-32-bytes"
PATIENCE_S = 30


def config(folder: Path, **options: Any) -> CentralRegistryConfig:
    return CentralRegistryConfig(environment="test", data_dir=folder, jwt_secret=SecretStr(SECRET), **options)


def client_of(url: str, role: str = "operator") -> APIClient:
    return APIClient(url, token=issue_token(SECRET, subject="test", roles=(role,)), retries=0)


@asynccontextmanager
async def registry(folder: Path, port: int = 0, **options: Any) -> AsyncIterator[tuple[MaestroAPI, APIClient]]:
    app = create_app(config(folder, **options))
    async with running(app, port=port) as url, client_of(url) as client:
        yield app, client


async def put(client: APIClient, service: str = "echo", instance_id: str = "a", **changes: Any) -> None:
    entry = {"url": "http://127.0.0.1:8000", "version": "1.0.0", "lease_s": 60, **changes}
    await client.put(f"/services/{service}/instances/{instance_id}", json=entry)


async def take(events: AsyncGenerator[StreamEvent], count: int) -> list[StreamEvent]:
    """Take some events, however long they take to come."""
    async with asyncio.timeout(PATIENCE_S):
        return [await anext(events) for _ in range(count)]


async def test_a_watch_begins_with_all_there_is_and_goes_on_with_changes(tmp_path: Path) -> None:
    """The first event is `reset` with everything; then comes one event for each change, in order."""
    async with registry(tmp_path) as (_, client):
        await put(client, zone="eu-1", tags=["blue"])
        events = client.stream_events("/services/watch")
        (first,) = await take(events, 1)
        await put(client, version="1.1.0", zone="eu-1")
        await client.delete("/services/echo/instances/a")
        changed, left = await take(events, 2)
        await events.aclose()
    assert first.event == "reset"
    shown = {service["name"]: service for service in first.json()["services"]}
    assert first.json()["reason"] == "start"
    assert set(shown) == {"central-registry", "echo"}
    assert shown["echo"]["instances"][0]["zone"] == "eu-1"
    assert (changed.event, changed.json()["service"], changed.json()["instance"]["version"]) == (
        "changed",
        "echo",
        "1.1.0",
    )
    assert (left.event, left.json()["instance"]["instance_id"]) == ("left", "a")


async def test_a_watch_resumes_where_it_was(tmp_path: Path) -> None:
    """With `Last-Event-ID` a watcher gets exactly what it missed, without a reset."""
    async with registry(tmp_path) as (_, client):
        events = client.stream_events("/services/watch")
        (first,) = await take(events, 1)
        await events.aclose()
        for instance_id in "abc":
            await put(client, instance_id=instance_id)
        assert first.id is not None
        resumed = client.stream_events("/services/watch", headers={"Last-Event-ID": first.id})
        missed = await take(resumed, 3)
        await put(client, instance_id="d")
        (news,) = await take(resumed, 1)
        await resumed.aclose()
    assert [event.json()["instance"]["instance_id"] for event in (*missed, news)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("last_event_id", "reason"),
    [
        ("nonsense", "restarted"),
        ("0123456789ab-1", "restarted"),
        ("{epoch}-" + "9" * 19, "restarted"),
        ("{epoch}-99", "too_old"),
        ("{epoch}-1", "too_old"),
    ],
)
async def test_who_cannot_resume_begins_anew(tmp_path: Path, last_event_id: str, reason: str) -> None:
    """An event of another process, one that never was, and one that the log no longer has, lead to a reset with its reason."""
    async with registry(tmp_path, change_log_size=2) as (_, client):
        events = client.stream_events("/services/watch")
        (first,) = await take(events, 1)
        await events.aclose()
        assert first.id is not None
        for instance_id in "abc":
            await put(client, instance_id=instance_id)
        sent = last_event_id.format(epoch=first.id.rpartition("-")[0])
        resumed = client.stream_events("/services/watch", headers={"Last-Event-ID": sent})
        (reset,) = await take(resumed, 1)
        await resumed.aclose()
    assert (reset.event, reset.json()["reason"]) == ("reset", reason)
    echo = next(service for service in reset.json()["services"] if service["name"] == "echo")
    assert len(echo["instances"]) == 3


async def test_only_what_was_asked_for_is_shown(tmp_path: Path) -> None:
    """A watcher of certain services sees nothing of the others, in the reset or after it."""
    async with registry(tmp_path) as (_, client):
        await put(client, "other")
        events = client.stream_events("/services/watch", params={"service": ["echo", "ecco"]})
        (first,) = await take(events, 1)
        await put(client, "another")
        await put(client, "ecco")
        (news,) = await take(events, 1)
        await events.aclose()
    assert first.json()["services"] == []
    assert news.json()["service"] == "ecco"


async def test_a_lease_that_runs_out_is_told(tmp_path: Path) -> None:
    """A watcher hears of an instance that was not heard of, without anyone asking the registry anything."""
    async with registry(tmp_path) as (_, client):
        events = client.stream_events("/services/watch", params={"service": "echo"})
        await take(events, 1)
        await put(client, lease_s=1)
        registered, lost = await take(events, 2)
        await events.aclose()
    assert (registered.event, lost.event) == ("registered", "lost")
    assert lost.json()["at"] >= registered.json()["instance"]["lease_expires_at"]


async def test_a_watcher_follows_over_a_restart(tmp_path: Path) -> None:
    """A registry that stops ends its streams properly, and a watcher that connects again begins anew with all there is."""
    async with AsyncExitStack() as stack:
        async with registry(tmp_path) as (_, client):
            await put(client)
            url = str((await client.get("/services")).request.url)
            port = urlsplit(url).port
            assert port is not None
            watcher = await stack.enter_async_context(client_of(f"http://127.0.0.1:{port}"))
            events = watcher.stream_events("/services/watch")
            (first,) = await take(events, 1)
        # The stream ends rather than breaks.
        async with asyncio.timeout(PATIENCE_S):
            assert [event async for event in events] == []
        assert first.id is not None
        async with registry(tmp_path, port):
            resumed = watcher.stream_events("/services/watch", headers={"Last-Event-ID": first.id})
            (reset,) = await take(resumed, 1)
            await resumed.aclose()
    assert reset.json()["reason"] == "restarted"
    assert {service["name"] for service in reset.json()["services"]} == {"central-registry", "echo"}


async def test_too_many_watchers_are_refused(tmp_path: Path) -> None:
    """One watcher too many is answered with 429 and the limit; when one leaves, there is room again."""
    async with registry(tmp_path, max_watchers=1) as (_, client):
        events = client.stream_events("/services/watch")
        await take(events, 1)
        with pytest.raises(RemoteAPIException) as caught:
            await take(client.stream_events("/services/watch"), 1)
        assert (caught.value.status_code, caught.value.error_code) == (429, "TOO_MANY_WATCHERS")
        await events.aclose()
        async with asyncio.timeout(PATIENCE_S):
            while True:
                again = client.stream_events("/services/watch")
                try:
                    assert (await take(again, 1))[0].event == "reset"
                    break
                except RemoteAPIException:
                    await asyncio.sleep(0.05)
        await again.aclose()


async def test_a_quiet_stream_stays_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing changes, comments tell the watcher that the registry is there."""
    from datetime import timedelta

    from central_registry import watching

    monkeypatch.setattr(watching.ChangeMessages.__init__, "__kwdefaults__", {"heartbeat": timedelta(seconds=1)})
    async with registry(tmp_path) as (_, client), client.stream("GET", "/services/watch") as answer:
        received = b""
        async with asyncio.timeout(PATIENCE_S):
            async for piece in answer.aiter_bytes():
                received += piece
                if received.count(b": waiting") >= 2:
                    break
    assert b"event: reset" in received
