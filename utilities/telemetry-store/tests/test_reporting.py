"""Who calls whom, told to a registry over a real socket."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx2
import pytest
from fastapi import Depends, Request

from maestro_core_api import APIClient, APIConfig, APIException, ClientConfig, MaestroAPI, idempotent, require_role
from maestro_core_api.testing import running
from maestro_core_config import BaseConfig
from maestro_core_messaging.testing import eventually
from maestro_core_monitoring import MetricsCollector
from telemetry_store.bootstrap import create_app
from telemetry_store.config import TelemetryStoreConfig
from telemetry_store.records import Span
from telemetry_store.reporting import Reporting
from telemetry_store.storage import TelemetryFile, add_spans, count_calls, forget_uncounted, next_batch, settle_batch

SECRET = "a-secret-of-32-bytes-or-more-for-tests"
TOKEN = "a-token-for-senders"
START = datetime(2025, 11, 26, 12, tzinfo=UTC)


class RegistryConfig(BaseConfig):
    service_name: ClassVar[str] = "central-registry"


class Registry:
    """Takes observations as central-registry does; knows what was told."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.refusals: list[int] = []

    def app(self) -> MaestroAPI:
        app = MaestroAPI(APIConfig.from_config(RegistryConfig(jwt_secret=SECRET), title="Registry", version="1"))

        @app.post("/catalog/observations", dependencies=[Depends(require_role("operator"))], status_code=202)
        @idempotent
        async def observe(request: Request) -> dict[str, int]:
            if self.refusals:
                raise APIException("no", status_code=self.refusals.pop(0))
            self.bodies.append(await request.json())
            return {"taken": len(self.bodies[-1]["observations"])}

        return app

    @property
    def calls(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Calls and errors of each pair, all in all."""
        sums: dict[tuple[str, str], tuple[int, int]] = {}
        for each in (each for body in self.bodies for each in body["observations"]):
            pair = each["caller"], each["callee"]
            calls, errors = sums.get(pair, (0, 0))
            sums[pair] = calls + each["calls"], errors + each["errors"]
        return sums


@pytest.fixture
async def registry() -> AsyncIterator[tuple[Registry, str]]:
    registry = Registry()
    async with running(registry.app()) as url:
        yield registry, url


def call(number: int, caller: str, callee: str, *, failed: bool = False, kind: str = "server") -> tuple[Span, Span]:
    """Make the spans of a call: the caller's and the callee's."""
    trace, first, second = f"{number:032x}", f"{2 * number:016x}", f"{2 * number + 1:016x}"
    began = int((START + timedelta(seconds=number)).timestamp() * 1e9)
    return (
        Span(trace, first, "", caller, "POST", "client", began, 10, False),
        Span(trace, second, first, callee, "POST /x", kind, began + 1, 5, failed),
    )


def reporting(file: TelemetryFile, client: APIClient) -> Reporting:
    return Reporting(file, client, MetricsCollector("telemetry-store"))


def client_of(url: str) -> APIClient:
    config = TelemetryStoreConfig(jwt_secret=SECRET, registry_url=url)
    return APIClient.for_service(config, base_url=url, retries=0, config=ClientConfig(circuit=None))


async def _keep(file: TelemetryFile, *spans: Span) -> None:
    await file.write(lambda connection: add_spans(connection, spans))


async def test_calls_are_reported_once(tmp_path: Path, registry: tuple[Registry, str]) -> None:
    """Whichever span comes first, whatever is sent twice: every call counts once, with its failures and its times."""
    told, url = registry
    async with TelemetryFile.opened(tmp_path / "store.db") as file, client_of(url) as client:
        report = reporting(file, client)
        one, two, three = (call(n, "orders", "billing", failed=n == 2) for n in (1, 2, 3))
        await _keep(file, *one)
        await _keep(file, two[1], three[0])
        await report.report()
        assert told.calls == {("orders", "billing"): (1, 0)}
        await _keep(file, two[0], three[1])
        await _keep(file, *one, *two)
        await report.report()
        await report.report()
    assert told.calls == {("orders", "billing"): (3, 1)}
    assert len(told.bodies) == 2
    (second,) = told.bodies[1]["observations"]
    seen = [datetime.fromisoformat(second[name]) for name in ("first_seen", "last_seen")]
    assert seen == [START + timedelta(seconds=2), START + timedelta(seconds=3)]


async def test_what_is_no_call_between_services_is_not_reported(tmp_path: Path, registry: tuple[Registry, str]) -> None:
    """Neither work within a service, nor an event that is handled, nor a name that no service here can have."""
    told, url = registry
    async with TelemetryFile.opened(tmp_path / "store.db") as file, client_of(url) as client:
        await _keep(file, *call(1, "orders", "orders"), *call(2, "orders", "audit", kind="consumer"))
        await _keep(file, *call(3, "Orders v1", "billing"), *call(4, "web", "orders"))
        await reporting(file, client).report()
    assert told.calls == {("web", "orders"): (1, 0)}


async def test_a_clock_that_is_ahead_is_put_right(tmp_path: Path, registry: tuple[Registry, str]) -> None:
    """Calls from the future were made now."""
    told, url = registry
    async with TelemetryFile.opened(tmp_path / "store.db") as file, client_of(url) as client:
        await _keep(file, *call(1_000_000_000, "orders", "billing"))
        await reporting(file, client).report()
    (only,) = told.bodies[0]["observations"]
    assert datetime.fromisoformat(only["first_seen"]) <= datetime.fromisoformat(only["last_seen"]) <= datetime.now(UTC)


async def test_a_registry_that_is_away_gets_it_later(tmp_path: Path, registry: tuple[Registry, str]) -> None:
    """What was counted waits, what comes meanwhile as well; after a restart, too."""
    told, url = registry
    told.refusals = [503, 503]
    async with client_of(url) as client:
        for number in (1, 2):
            async with TelemetryFile.opened(tmp_path / "store.db") as file:
                await _keep(file, *call(number, "orders", "billing"))
                with pytest.raises(APIException):
                    await reporting(file, client).report()
        async with TelemetryFile.opened(tmp_path / "store.db") as file:
            await reporting(file, client).report()
    assert told.calls == {("orders", "billing"): (2, 0)}


async def test_what_is_refused_for_ever_does_not_hold_up_the_rest(
    tmp_path: Path, registry: tuple[Registry, str]
) -> None:
    """A batch that the registry finds fault with is dropped, and the next one is sent."""
    told, url = registry
    told.refusals = [422]
    async with TelemetryFile.opened(tmp_path / "store.db") as file, client_of(url) as client:
        await _keep(file, *call(1, "orders", "billing"))
        await reporting(file, client).report()
        await _keep(file, *call(2, "orders", "stock"))
        await reporting(file, client).report()
    assert told.calls == {("orders", "stock"): (1, 0)}


async def test_an_answer_that_got_lost_does_not_count_twice(tmp_path: Path, registry: tuple[Registry, str]) -> None:
    """A batch that was taken, and not settled because the process died, is sent again under its name."""
    told, url = registry
    async with client_of(url) as client:
        async with TelemetryFile.opened(tmp_path / "store.db") as file:
            await _keep(file, *call(1, "orders", "billing"))
            await file.write(count_calls)
            batch = await file.write(next_batch)
            assert batch is not None
            # As `report` sends it, and then no more of this process.
            await reporting(file, client)._send(batch)
        async with TelemetryFile.opened(tmp_path / "store.db") as file:
            await _keep(file, *call(2, "orders", "billing"))
            await reporting(file, client).report()
    assert told.calls == {("orders", "billing"): (2, 0)}
    assert [body["observations"][0]["calls"] for body in told.bodies] == [1, 1]


async def test_batches_are_as_large_as_the_registry_takes(tmp_path: Path, registry: tuple[Registry, str]) -> None:
    """More pairs than fit go in several batches."""
    told, url = registry
    spans = [span for n in range(1, 1_502) for span in call(n, f"caller-{n}", "hub")]
    async with TelemetryFile.opened(tmp_path / "store.db") as file, client_of(url) as client:
        await _keep(file, *spans)
        await reporting(file, client).report()
    assert [len(body["observations"]) for body in told.bodies] == [1_000, 501]
    assert len(told.calls) == 1_501


async def test_calls_without_a_caller_are_given_up(tmp_path: Path) -> None:
    """A call whose other span never comes does not wait for ever; one that was given up is not counted."""
    async with TelemetryFile.opened(tmp_path / "store.db") as file:
        asked, answered = call(1, "orders", "billing")
        await _keep(file, answered)
        await file.write(lambda connection: forget_uncounted(connection, 0))
        assert (
            await file.read(lambda connection: connection.execute("SELECT count(*) FROM uncounted").fetchone()[0]) == 1
        )
        await file.write(lambda connection: forget_uncounted(connection, 2**62))
        await _keep(file, asked)
        await file.write(count_calls)
        assert await file.write(next_batch) is None


async def test_a_file_of_the_version_before_is_brought_up(tmp_path: Path) -> None:
    """What it holds stays, and counting begins."""
    path = tmp_path / "store.db"
    async with TelemetryFile.opened(path) as file:
        await _keep(file, *call(1, "orders", "billing"))

        def back(connection: Any) -> None:
            for table in ("uncounted", "observed", "batch"):
                connection.execute(f"DROP TABLE {table}")
            connection.execute("PRAGMA user_version = 1")

        await file.write(back)
    async with TelemetryFile.opened(path) as file:
        await _keep(file, *call(2, "orders", "billing"))
        await file.write(count_calls)
        batch = await file.write(next_batch)
        assert batch is not None
        assert [(each.caller, each.callee, each.calls) for each in batch.observed] == [("orders", "billing", 1)]
        await file.write(lambda connection: settle_batch(connection, batch.id))
        assert await file.read(lambda connection: connection.execute("SELECT count(*) FROM spans").fetchone()[0]) == 4
    assert not _set_aside(tmp_path)


def _sent(spans: Callable[..., bytes], number: int) -> bytes:
    first, second = f"{2 * number:016x}", f"{2 * number + 1:016x}"
    return spans(f"{number:032x}", ("orders", first, "", 0, 40, False), ("billing", second, first, 5, 20, False))


async def test_a_store_that_is_killed_reports_each_call_once(
    tmp_path: Path, registry: tuple[Registry, str], spans: Callable[..., bytes], sender: dict[str, str]
) -> None:
    """SIGKILL again and again while it takes spans and reports: the sums are those of what it acknowledged."""
    told, url = registry
    acknowledged = 0
    for life in range(4):
        log = tmp_path / f"{life}.log"
        process = _started(log, tmp_path / "data", url)
        try:
            address = await eventually(lambda log=log: _address(log), within=timedelta(seconds=60))
            async with httpx2.AsyncClient(base_url=address, timeout=30) as client:
                before = len(told.bodies)
                for _ in range(20):
                    acknowledged += 1
                    answer = await client.post("/v1/traces", content=_sent(spans, acknowledged), headers=sender)
                    assert answer.status_code == 200
                await eventually(lambda before=before: len(told.bodies) > before)
                if life == 3:
                    await eventually(lambda sent=acknowledged: told.calls["orders", "billing"][0] >= sent)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert told.calls == {("orders", "billing"): (acknowledged, 0)}


def _started(log: Path, data: Path, registry: str) -> subprocess.Popen[bytes]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAESTRO_")}
    own = {
        "MAESTRO_DATA_DIR": str(data),
        "MAESTRO_JWT_SECRET": SECRET,
        "MAESTRO_OTLP_TOKEN": TOKEN,
        "MAESTRO_REGISTRY_URL": registry,
        "MAESTRO_LOG_FORMAT": "json",
        "TELEMETRY_STORE_PORT": "0",
        "TELEMETRY_STORE_OBSERVATIONS_INTERVAL_S": "0.05",
    }
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "telemetry_store"], env={**environ, **own}, stdout=output, stderr=output
        )


def _set_aside(folder: Path) -> list[Path]:
    return list(folder.glob("*.unusable"))


def _address(log: Path) -> str | None:
    for line in log.read_text().splitlines():
        if line.startswith("{") and line.endswith("}") and json.loads(line).get("event") == "Serving":
            return str(json.loads(line)["url"])
    return None


async def test_without_a_registry_nothing_is_reported(
    tmp_path: Path, spans: Callable[..., bytes], sender: dict[str, str]
) -> None:
    """The store works as ever, and says nothing of reports in its metrics."""
    config = TelemetryStoreConfig(jwt_secret=SECRET, otlp_token=TOKEN, data_dir=tmp_path)
    async with running(create_app(config)) as url, httpx2.AsyncClient(base_url=url, timeout=30) as client:
        assert (await client.post("/v1/traces", content=_sent(spans, 1), headers=sender)).status_code == 200
        assert "telemetry_calls_reported_total" not in (await client.get("/metrics")).text
