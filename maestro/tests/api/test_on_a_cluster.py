"""What a cluster cannot do is refused by name; that it cannot be reached is told, and passes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from maestro.bootstrap import create_app
from maestro.config import OrchestratorConfig, QueueConfig, RetentionConfig
from maestro_core_api import APIClient, RemoteAPIException, StartupError
from maestro_core_logging.testing import capture_logs
from maestro_workflow_engine import ClusterUnreachableError, UnsupportedByRunnerError, WorkflowError

pytestmark = pytest.mark.runners("temporal")

Serve = Callable[..., Any]
Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


async def _refused(client: APIClient, method: str, url: str, **options: Any) -> RemoteAPIException:
    with pytest.raises(RemoteAPIException) as caught:
        await client.request(method, url, **options)
    return caught.value


async def test_what_a_cluster_cannot_do_is_refused_by_name(client: APIClient) -> None:
    """Each such call answers 501 with what was asked for and what to do instead; the run is as it was."""
    await client.post("/runs", json={"workflow": "office/approval", "id": "r"})
    start = {"workflow": "office/approval", "options": {"debounce": {"key": "k", "wait_s": 1}}}
    only = {"workflow": "office/approval", "options": {"singleton": {"key": "k"}}}
    for method, url, body in (
        ("GET", "/runs?status=paused", None),
        ("GET", "/runs?status=queued", None),
        ("GET", "/runs?order=oldest", None),
        ("GET", "/runs?attribute=amount:1..2", None),
        ("GET", "/runs/count?attribute=region:eu-*", None),
        ("POST", "/runs/resume?workflow=office/approval", None),
        ("PUT", "/runs/r/priority", {"priority": 1}),
        ("DELETE", "/runs/r", None),
        ("POST", "/runs/purge", {"older_than_s": 1}),
        ("POST", "/runs/purge/preview", {"older_than_s": 1}),
        ("POST", "/workflows/office/approval/pause", None),
        ("GET", "/queues", None),
        ("GET", "/queues/one", None),
        ("POST", "/queues/one/pause", None),
        ("POST", "/queues/one/resume", None),
        ("POST", "/runs", start),
        ("POST", "/runs", only),
    ):
        error = await _refused(client, method, url, json=body)
        assert (error.status_code, error.error_code) == (501, "UNSUPPORTED_BY_RUNNER"), (method, url)
        assert (error.problem or {})["runner"] == "temporal"
        assert f"has no {(error.problem or {})['feature']}: " in str(error)
    assert (await client.get("/runs/r")).json()["status"] == "running"
    assert (await client.get("/workflows/office/approval/2.1.0")).json()["paused"] is None


async def test_a_queue_without_limits_gives_priority_and_tenant(config: OrchestratorConfig, serve: Serve) -> None:
    """A run starts in it; one that is not declared is not found."""
    queued = config.model_copy(update={"queues": {"mails": QueueConfig()}})
    async with serve(queued) as client:
        body = {
            "workflow": "python/add",
            "input": {"a": 1},
            "options": {"queue": "mails", "priority": 1, "tenant": "acme"},
        }
        assert (await client.post("/runs", json=body)).status_code == 202
        body["options"] = {"queue": "letters"}
        assert (await _refused(client, "POST", "/runs", json=body)).error_code == "QUEUE_NOT_FOUND"


@pytest.mark.parametrize(
    "settings",
    [
        {"queues": {"one": QueueConfig(concurrency=1)}},
        {"retention": RetentionConfig(completed_days=30)},
    ],
)
async def test_settings_that_a_cluster_cannot_keep_stop_the_start(
    config: OrchestratorConfig, settings: dict[str, Any]
) -> None:
    """Limits of queues and retention are not ignored: the log says what to do instead."""
    line = await _cannot_start(config.model_copy(update=settings), UnsupportedByRunnerError)
    assert line["code"] == "UNSUPPORTED_BY_RUNNER"
    assert "the temporal runner has no" in line["reason"]


async def test_a_namespace_that_is_not_there_is_named(config: OrchestratorConfig) -> None:
    """The start gives up after its time, and says what is missing."""
    url = str(config.engine_url).replace("?", "-gone?")
    wanted = config.model_copy(update={"engine_url": url, "engine_wait_s": 1})
    line = await _cannot_start(wanted, ClusterUnreachableError)
    assert "it has no namespace 't" in line["reason"]


async def test_metrics_tell_of_the_clusters_runs(client: APIClient, eventually: Eventually) -> None:
    """Started, ended and running runs are counted, by workflow."""
    await client.post("/runs", json={"workflow": "python/add", "input": {"a": 1}})
    await client.post("/runs", json={"workflow": "office/approval"})
    wanted = (
        'maestro_runs_started_total{workflow="python/add"} 1.0',
        'maestro_runs_ended_total{status="completed",workflow="python/add"} 1.0',
        'maestro_runs_running{workflow="office/approval"} 1.0',
        'maestro_runs_running{workflow="python/add"} 0.0',
    )

    async def shown() -> bool:
        text = (await client.get("/metrics")).text
        return all(line in text for line in wanted)

    assert await eventually(shown)


async def test_a_lost_cluster_is_told_and_comes_back(
    config: OrchestratorConfig, serve: Serve, eventually: Eventually, own_temporal_server: Any, tmp_path: Path
) -> None:
    """While it is away calls answer 503 and the service is not ready; streams wait, and go on without a gap."""
    server = own_temporal_server
    async with serve(config.model_copy(update={"engine_url": server.url})) as client:
        await client.post("/runs", json={"workflow": "office/approval", "id": "r"})
        seen: list[str] = []

        async def follow() -> None:
            async for event in client.stream_events("/runs/r/events"):
                seen.append(event.event)  # noqa: PERF401  the test looks at it meanwhile

        following = asyncio.create_task(follow())
        assert await eventually(lambda: _now(seen == ["run_started"]))
        assert (await client.get("/health/ready")).status_code == 200
        server.stop()
        unready = await _refused(client, "GET", "/health/ready")
        assert unready.status_code == 503
        start = {"workflow": "python/add", "input": {"a": 1}}
        calls = [_refused(client, "POST", "/runs", json=start)]
        calls += [
            _refused(client, "GET", url) for url in ("/runs", "/runs/r", "/runs/count", "/schedules", "/schedules/s")
        ]
        for error in await asyncio.gather(*calls):
            assert (error.status_code, error.error_code) == (503, "CLUSTER_UNREACHABLE")
        server.start()

        async def ready() -> bool:
            try:
                return (await client.get("/health/ready")).status_code == 200
            except RemoteAPIException:
                return False

        assert await eventually(ready)
        await client.post("/runs/r/signals/answer", json="yes")
        async with asyncio.timeout(60):
            await following
        assert seen == ["run_started", "signal_received", "run_completed"]


async def _now(value: object) -> object:
    return value


async def _cannot_start(config: OrchestratorConfig, error: type[WorkflowError]) -> dict[str, Any]:
    app = create_app(config)
    with capture_logs() as lines, pytest.raises(StartupError) as caught:
        async with app.router.lifespan_context(app):
            pass
    assert type(caught.value.__cause__) is error
    (line,) = [line for line in lines if line["event"] == "Orchestrator cannot start"]
    return dict(line)


class OwnServer:
    """A Temporal server that a test may stop and start again; it keeps its runs in a file."""

    def __init__(self, start: Callable[..., Any], file: Path) -> None:
        self._start = start
        self._file = file
        self._process, self._port = start(file, 0)
        self.url = f"temporal://127.0.0.1:{self._port}/default?task_queue=tests"

    def start(self) -> None:
        """Start it again, where it was."""
        self._process, _ = self._start(self._file, self._port)

    def stop(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(timeout=30)


@pytest.fixture
def own_temporal_server(start_temporal: Callable[..., Any], tmp_path: Path) -> Iterator[OwnServer]:
    """A server of the test's own."""
    server = OwnServer(start_temporal, tmp_path / "temporal.db")
    yield server
    server.stop()
