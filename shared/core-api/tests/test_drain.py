import asyncio
import contextlib
import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.requests import Request

from maestro_core_api import MaestroAPI, public
from maestro_core_api.testing import running

SERVICE = """
import asyncio
import sys
from datetime import timedelta
from maestro_core_api import APIConfig, MaestroAPI, public
from maestro_core_logging import configure_logging

configure_logging("orders", "json", stream=sys.stdout)
app = MaestroAPI(APIConfig(
    title="Orders", service_name="orders", workers=int(sys.argv[1]), shutdown_delay=timedelta(seconds=2),
    shutdown_grace=timedelta(seconds=30),
))

@app.get("/work")
@public
async def work() -> dict[str, bool]:
    await asyncio.sleep(0.01)
    return {"done": True}

app.run(port=0)
"""


class Caller(threading.Thread):
    """Asks on a kept connection again and again, until it is told to close it; then, as behind a load balancer, elsewhere."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.answered = 0
        self.faults: list[str] = []
        self.was_told_to_close = False

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.was_told_to_close:
            try:
                connection.request("GET", "/work")
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.faults.append(repr(error))
                return
            if answer.status != 200 or json.loads(body) != {"done": True}:
                self.faults.append(f"{answer.status} {body!r}")
                return
            self.answered += 1
            self.was_told_to_close = answer.getheader("connection", "").lower() == "close"


def ready(port: int) -> int:
    """Return the status of the readiness probe, asked on a new connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_under_load_fails_no_request(tmp_path: Path, workers: int) -> None:
    """SIGTERM while many callers ask: readiness fails first, each caller is told to close, and every request is answered."""
    script = tmp_path / "service.py"
    script.write_text(SERVICE)
    command = [sys.executable, str(script), str(workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            served, port = 0, 0
            while served < workers:
                line = process.stdout.readline()
                assert line, "the service ended"
                event = json.loads(line) if line.startswith("{") else {}
                if event.get("event") == "Serving":
                    served += 1
                    port = int(event["url"].rpartition(":")[2])
            # What it goes on to say has to be read, or it would wait for somebody who does.
            drained = threading.Thread(target=process.stdout.read, daemon=True)
            drained.start()
            callers = [Caller(port) for _ in range(16)]
            for caller in callers:
                caller.start()
            while min(caller.answered for caller in callers) < 3:
                assert not any(caller.faults for caller in callers), [caller.faults for caller in callers]
                time.sleep(0.01)
            assert ready(port) == 200
            process.send_signal(signal.SIGTERM)
            while ready(port) != 503:  # still takes connections, and says that no more should come
                time.sleep(0.01)
            for caller in callers:
                caller.join(60)
            assert process.wait(60) == 0
        finally:
            process.kill()
    assert [caller.faults for caller in callers] == [[]] * 16
    assert all(caller.was_told_to_close for caller in callers)


async def test_readiness_fails_before_anything_else(
    make_app: Callable[..., MaestroAPI], http: httpx2.AsyncClient
) -> None:
    """A service that is about to stop is alive, not ready, still answers, and closes its connections."""
    app = make_app()

    @app.get("/work")
    @public
    async def work() -> str:
        return "done"

    async with running(app) as url:
        before = await http.get(f"{url}/work")
        app.begin_drain()
        not_ready = await http.get(f"{url}/health/ready")
        alive = await http.get(f"{url}/health/live")
        still = await http.get(f"{url}/work")
    assert "connection" not in before.headers
    assert (not_ready.status_code, not_ready.json()["error_code"]) == (503, "DRAINING")
    assert (alive.status_code, still.json()) == (200, "done")
    assert still.headers["connection"] == "close"


async def test_a_service_is_gone_from_the_registry_before_it_stops(
    make_app: Callable[..., MaestroAPI], registry: Any, secret: str, eventually: Any
) -> None:
    """The entry is taken away as soon as the stop begins, while requests are still answered."""
    async with running(registry.app) as registry_url:
        app = make_app(registry_url=registry_url, lease=timedelta(seconds=30))
        async with running(app):
            await eventually(lambda: registry.instances.get("orders"))
            app.begin_drain()
            await eventually(lambda: not registry.instances["orders"])
            assert app.bound_url is not None
    assert registry.calls.count("deregister") == 1


async def test_a_stop_during_the_registration_leaves_no_entry(
    make_app: Callable[..., MaestroAPI], registry: Any, eventually: Any
) -> None:
    """A stop that begins while the answer to the registration is on its way takes the entry away all the same."""
    go = asyncio.Event()

    @registry.app.middleware("http")
    async def hold_the_answer(request: Request, call_next: Callable[[Request], Any]) -> Any:
        answer = await call_next(request)
        if request.method == "PUT" and "/instances/" in request.url.path:
            await go.wait()
        return answer

    async with running(registry.app) as registry_url:
        app = make_app(registry_url=registry_url, lease=timedelta(seconds=30))
        async with running(app):
            await eventually(lambda: registry.instances.get("orders"))
            app.begin_drain()
            await asyncio.sleep(0)
            go.set()
            await eventually(lambda: not registry.instances["orders"])
    assert registry.calls == ["register", "deregister"]


async def test_a_registration_that_never_answers_is_taken_back_too(
    make_app: Callable[..., MaestroAPI], registry: Any, eventually: Any
) -> None:
    """When the answer to the registration does not come at all, the goodbye is said after a short wait."""
    never = asyncio.Event()

    @registry.app.middleware("http")
    async def hold_the_answer(request: Request, call_next: Callable[[Request], Any]) -> Any:
        answer = await call_next(request)
        if request.method == "PUT" and "/instances/" in request.url.path:
            await never.wait()
        return answer

    async with running(registry.app) as registry_url:
        app = make_app(registry_url=registry_url, lease=timedelta(seconds=30))
        async with running(app):
            await eventually(lambda: registry.instances.get("orders"))
            app.begin_drain()
            await eventually(lambda: not registry.instances["orders"])
        never.set()


async def test_a_request_that_began_before_closes_its_connection(
    make_app: Callable[..., MaestroAPI], http: httpx2.AsyncClient
) -> None:
    """An answer that was on its way when the stop began tells its caller to close, too."""
    app = make_app()
    arrived, go = asyncio.Event(), asyncio.Event()

    @app.get("/slow")
    @public
    async def slow() -> str:
        arrived.set()
        await go.wait()
        return "done"

    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(running(app))
        call = asyncio.create_task(http.get(f"{url}/slow"))
        await arrived.wait()
        app.begin_drain()
        go.set()
        answer = await call
    assert (answer.json(), answer.headers["connection"]) == ("done", "close")
