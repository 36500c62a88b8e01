import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from starlette.responses import Response, StreamingResponse

from maestro_core_api import AddressUnavailableError, MaestroAPI, StartupError, public
from maestro_core_api._listener import bind
from maestro_core_api.testing import running
from maestro_core_logging.testing import capture_logs

SERVICE = """
import asyncio
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from maestro_core_api import APIConfig, MaestroAPI, StartupError, public
from maestro_core_logging import configure_logging

@asynccontextmanager
async def lifespan(app):
    if "broken" in sys.argv:
        raise OSError("the journal is locked")
    if "told" in sys.argv:
        raise StartupError("the journal is locked")
    if "slow" in sys.argv:
        print("STARTING", flush=True)
        await asyncio.Event().wait()
    print("URL", app.bound_url, flush=True)
    yield
    print("CLOSED", flush=True)

app = MaestroAPI(APIConfig(title="Orders", service_name="orders", shutdown_grace=timedelta(hours=1)), lifespan=lifespan)

@app.get("/loop")
@public
async def loop() -> dict[str, str]:
    import asyncio
    return {"loop": type(asyncio.get_running_loop()).__module__}

@app.get("/heap")
@public
async def heap() -> dict[str, bool]:
    import gc
    return {"frozen": gc.get_freeze_count() > 10_000, "rare": gc.get_threshold()[0] > 10_000, "on": gc.isenabled()}

@app.get("/stuck")
@public
async def stuck() -> None:
    import asyncio
    print("ARRIVED", flush=True)
    await asyncio.Event().wait()

if __name__ == "__main__":
    configure_logging("orders", "json", stream=sys.stdout)
    app.run(port=int(sys.argv[1]))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A service as a file that can be run."""
    path = tmp_path / "service.py"
    path.write_text(SERVICE)
    return path


@contextlib.contextmanager
def started(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Start a Python process, and end it whatever happens."""
    with subprocess.Popen(
        [sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Read the process's output up to the line with a text, and return that line."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(process.communicate())


def announced_url(process: subprocess.Popen[str]) -> str:
    """Read the address that the service prints when it starts."""
    return read_until(process, "URL ").split()[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_gracefully(script: Path, number: signal.Signals) -> None:
    """run() serves on uvloop at a free port, and SIGTERM or SIGINT closes the lifespan and exits 0."""
    with started(script, "0") as process:
        url = announced_url(process)
        assert httpx2.get(f"{url}/loop", trust_env=False).json() == {"loop": "uvloop"}
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
        assert process.returncode == 0, errors
        assert "CLOSED" in output


def test_what_the_start_made_is_left_alone_by_the_garbage_collector(script: Path) -> None:
    """A service that serves collects garbage, but seldom, and without walking through its modules and routes each time."""
    with started(script, "0") as process:
        url = announced_url(process)
        read_until(process, "Serving")
        assert httpx2.get(f"{url}/heap", trust_env=False).json() == {"frozen": True, "rare": True, "on": True}


def test_a_second_signal_does_not_wait(script: Path) -> None:
    """Asked twice, the service cancels what is still running and exits 0, without waiting for the grace period."""
    with started(script, "0") as process:
        url = announced_url(process)
        with httpx2.Client(trust_env=False, timeout=30) as client, ThreadPoolExecutor(1) as pool:
            call = pool.submit(client.get, f"{url}/stuck")
            read_until(process, "ARRIVED")
            process.send_signal(signal.SIGINT)
            read_until(process, "Stopping")
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
            outcome = call.exception(timeout=20) or call.result()
    assert not isinstance(outcome, httpx2.Response) or outcome.status_code >= 500


def test_a_service_is_one_process(script: Path) -> None:
    """SIGKILL leaves no worker behind that would hold the port."""
    with started(script, "0") as process:
        url = announced_url(process)
        assert not Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
        process.wait()
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{url}/health/live", trust_env=False)


def test_a_taken_port_is_one_clear_line(script: Path) -> None:
    """A taken port ends the service with status 69 and one line that names the port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with started(script, str(port)) as process:
            _, errors = process.communicate(timeout=20)
        assert process.returncode == 69
        message = [line for line in errors.splitlines() if "jwt_secret" not in line]
        assert len(message) == 1
        assert f"port {port} on 127.0.0.1 is taken" in message[0]


def test_a_failing_start_up_exits_with_a_reason(script: Path) -> None:
    """A lifespan that raises ends the service with status 70; the log holds the exception."""
    with started(script, "0", "broken") as process:
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 70
    assert "the journal is locked" in output + errors
    assert "orders: the service could not start" in errors


def test_a_reason_that_was_told_is_one_line(script: Path) -> None:
    """A lifespan that raises StartupError ends the service with its reason as the last line, and without a traceback."""
    with started(script, "0", "told") as process:
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 70
    assert errors.splitlines()[-1] == "orders: the service could not start: the journal is locked"
    assert "Traceback" not in output + errors


def test_a_signal_ends_a_start_up_that_waits(script: Path) -> None:
    """SIGTERM during the start-up cancels it and ends the service with status 0."""
    with started(script, "0", "slow") as process:
        read_until(process, "STARTING")
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 0, output + errors
    assert "Traceback" not in output + errors


async def test_two_services_cannot_share_a_port(app: MaestroAPI, make_app: Callable[..., MaestroAPI]) -> None:
    """A second service on the same port is refused, never balanced in silence."""
    async with running(app) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(AddressUnavailableError) as refused:
            async with running(make_app(), port=port):
                pass
    assert (refused.value.port, refused.value.exit_code) == (port, 69)


def test_an_unknown_host_is_refused_by_name() -> None:
    """A host that does not resolve gives an error that names it."""
    with pytest.raises(AddressUnavailableError, match=r"no-such-host\.invalid:1234"):
        bind("no-such-host.invalid", 1234)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may listen anywhere")
def test_a_forbidden_port_exits_with_no_permission() -> None:
    """A port that needs a privilege gives sysexits' EX_NOPERM."""
    with pytest.raises(AddressUnavailableError) as refused:
        bind("127.0.0.1", 1)
    assert refused.value.exit_code == 77


async def test_no_answer_names_the_software(app: MaestroAPI, http: httpx2.AsyncClient) -> None:
    """Answers do not tell which server and framework they come from, even when an endpoint would."""

    @app.get("/telling")
    @public
    async def telling() -> Response:
        return Response("x", headers={"Server": "telling/1.0"})

    async with running(app) as url:
        for path in ("/telling", "/health/live", "/nowhere", "/docs"):
            headers = (await http.get(url + path)).headers
            assert headers.get_list("server") == ["service"], path
            assert not {"x-powered-by", "via"} & set(headers), path


@pytest.mark.parametrize("workers", [0, -1])
def test_a_service_without_workers_is_refused(app: MaestroAPI, workers: int) -> None:
    """At least one process has to serve."""
    with pytest.raises(ValueError, match="at least one worker"):
        app.run(workers=workers)


async def test_the_port_is_free_again_after_the_stop(app: MaestroAPI) -> None:
    """A stopped service gives its port back at once, and knows no address any more."""
    async with running(app) as url:
        port = int(url.rpartition(":")[2])
        addresses = [app.bound_url]
    assert [*addresses, app.bound_url] == [url, None]
    bind("127.0.0.1", port).close()


async def test_running_requests_end_before_the_stop(app: MaestroAPI, http: httpx2.AsyncClient) -> None:
    """A request that is being answered when the stop comes gets its answer."""
    arrived, go = asyncio.Event(), asyncio.Event()

    @app.get("/slow")
    @public
    async def slow() -> dict[str, str]:
        arrived.set()
        await go.wait()
        return {"done": "yes"}

    async with running(app) as url:
        answer = asyncio.create_task(http.get(f"{url}/slow"))
        await arrived.wait()
        asyncio.get_running_loop().call_later(0.05, go.set)
    assert (await answer).json() == {"done": "yes"}


async def test_a_request_beyond_the_grace_is_cancelled(
    make_app: Callable[..., MaestroAPI], http: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A request that does not end in time is cancelled without noise, and the service stops all the same."""
    app = make_app(shutdown_grace=timedelta(milliseconds=50))
    arrived, cancelled = asyncio.Event(), asyncio.Event()

    @app.get("/stuck")
    @public
    async def stuck() -> None:
        arrived.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with running(app) as url:
        answer = asyncio.create_task(http.get(f"{url}/stuck"))
        await arrived.wait()
    assert cancelled.is_set()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    (outcome,) = await asyncio.gather(answer, return_exceptions=True)
    assert not isinstance(outcome, httpx2.Response) or outcome.status_code >= 500


async def test_resources_outlive_requests_whose_callers_hung_up(make_app: Callable[..., MaestroAPI]) -> None:
    """A request whose caller is gone is cancelled at the stop, before the service's resources are closed."""
    steps = []
    arrived = asyncio.Event()

    @contextlib.asynccontextmanager
    async def lifespan(app: MaestroAPI) -> AsyncIterator[None]:
        yield
        steps.append("resources closed")

    app = make_app(lifespan=lifespan, shutdown_grace=timedelta(milliseconds=10))

    @app.get("/work")
    @public
    async def work() -> None:
        arrived.set()
        try:
            await asyncio.Event().wait()
        finally:
            steps.append("request ended")

    with capture_logs() as logs:
        async with running(app) as url, httpx2.AsyncClient(trust_env=False) as leaving:
            call = asyncio.create_task(leaving.get(f"{url}/work"))
            await arrived.wait()
            call.cancel()
    assert steps == ["request ended", "resources closed"]
    assert [line["status"] for line in logs if line["event"] == "Request answered"] == [499]
    assert not [line for line in logs if line["level"] == "error"]


async def test_event_streams_do_not_hold_up_the_stop(
    make_app: Callable[..., MaestroAPI], http: httpx2.AsyncClient
) -> None:
    """An open event stream is ended at once, without waiting for the grace period."""
    app = make_app(shutdown_grace=timedelta(hours=1))
    ended = asyncio.Event()

    @app.get("/events")
    @public
    async def events() -> StreamingResponse:
        async def endless() -> AsyncIterator[str]:
            try:
                yield "data: first\n\n"
                await asyncio.Event().wait()
            finally:
                ended.set()

        return StreamingResponse(endless(), media_type="text/event-stream")

    service = contextlib.AsyncExitStack()
    url = await service.enter_async_context(running(app))
    async with http.stream("GET", f"{url}/events") as response:
        lines = response.aiter_lines()
        assert await anext(lines) == "data: first"
        await asyncio.wait_for(service.aclose(), timeout=30)
        with pytest.raises(httpx2.TransportError):
            [line async for line in lines]
    assert ended.is_set()


async def test_a_failing_start_up_is_raised(make_app: Callable[..., MaestroAPI]) -> None:
    """In process, a lifespan that raises is a StartupError."""

    @contextlib.asynccontextmanager
    async def broken(app: MaestroAPI) -> AsyncIterator[None]:
        app.url_path_for("no-such-route")
        yield

    with pytest.raises(StartupError):
        async with running(make_app(lifespan=broken)):
            pass
