"""Probes of real servers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from central_registry.domain import Health, HealthCheck, Instance, Registry
from central_registry.probing import Prober

CHECK = HealthCheck(
    "/health", interval=timedelta(milliseconds=50), timeout=timedelta(seconds=5), unhealthy_after=2, healthy_after=2
)
PATIENCE_S = 30


class Server:
    """A bare HTTP server that answers as it is told, and remembers what it was sent."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        self.requests: list[bytes] = []
        self.open = 0
        self.most_open = 0
        self.hold = asyncio.Event()
        self.hold.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            try:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                await self.hold.wait()
                writer.write(self.answer)
                await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                self.open -= 1
                writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
def server() -> Server:
    return Server()


async def register(registry: Registry, url: str, instance_id: str = "a", check: HealthCheck = CHECK) -> None:
    await registry.register("echo", instance_id, url=url, version="1", lease=timedelta(seconds=300), health_check=check)


def echo(registry: Registry, instance_id: str = "a") -> Instance:
    instance = registry.find("echo", instance_id)
    assert instance is not None
    return instance


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def fast(registry: Registry) -> Registry:
    """A registry that allows quick probes."""
    registry._limits = type("Anything", (), {"check": lambda *_: None, "max_instances": 1_000})()
    return registry


async def test_an_instance_that_fails_is_hidden_and_comes_back(fast: Registry, server: Server) -> None:
    """Failing probes hide an instance with the reason, passing ones show it again."""
    async with server.running() as url, Prober(fast).at_work():
        await register(fast, f"{url}/base/")
        await until(lambda: server.requests)
        assert echo(fast).health.status is Health.HEALTHY
        server.answer = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
        await until(lambda: not fast.live())
        assert echo(fast).health.reason == "status 503"
        server.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        await until(fast.live)
    head = server.requests[0].decode()
    assert head.startswith("GET /base/health HTTP/1.1\r\n")
    assert f"host: {url.removeprefix('http://')}\r\n" in head.lower()
    assert "authorization" not in head.lower()


async def test_a_redirect_is_a_failure_and_not_followed(fast: Registry, server: Server) -> None:
    """An instance that answers with a redirect fails, and nobody asks where it leads."""
    elsewhere = Server()
    async with server.running() as url, elsewhere.running() as trap, Prober(fast).at_work():
        server.answer = f"HTTP/1.1 302 Found\r\nLocation: {trap}/secret\r\nContent-Length: 0\r\n\r\n".encode()
        await register(fast, url)
        await until(lambda: echo(fast).health.status is Health.UNHEALTHY)
        assert echo(fast).health.reason == "status 302"
    assert elsewhere.requests == []


async def test_an_endless_answer_is_not_read(fast: Registry, server: Server) -> None:
    """Of an answer only the head counts: one that announces terabytes passes like any other."""
    server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999\r\n\r\n" + b"x" * 65_536
    async with server.running() as url, Prober(fast).at_work():
        await register(fast, url)
        await until(lambda: len(server.requests) >= 3)
        assert echo(fast).health.status is Health.HEALTHY


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(b"", "closed the connection"), (b"no HTTP at all\r\n\r\n", "closed the connection"), (None, "no answer within")],
)
async def test_what_is_no_answer_is_a_failure(
    fast: Registry, server: Server, answer: bytes | None, reason: str
) -> None:
    """A closed connection, a server of something else and silence are failures that say what happened."""
    check = CHECK
    if answer is None:
        server.hold.clear()
        check = HealthCheck("/", interval=CHECK.interval, timeout=timedelta(milliseconds=100), unhealthy_after=2)
    else:
        server.answer = answer
    async with server.running() as url, Prober(fast).at_work():
        await register(fast, url, check=check)
        await until(lambda: echo(fast).health.status is Health.UNHEALTHY)
        found = echo(fast).health.reason
        server.hold.set()
    assert found is not None
    assert reason in found


async def test_nobody_there_is_a_failure(fast: Registry) -> None:
    """An address that nobody listens on, and a name that nobody knows, are failures."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with Prober(fast).at_work():
            await register(fast, url)
            await register(fast, "http://nobody.invalid:80", "b")
            await until(lambda: not fast.live())
    assert echo(fast).health.reason == "it takes no connection"
    assert echo(fast, "b").health.reason == "the name of its host is not known"


async def test_a_name_that_leads_to_a_forbidden_address_is_not_asked(
    fast: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name whose addresses include a link-local one is not connected to, whichever other addresses it has."""
    loop = asyncio.get_running_loop()

    async def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, port)) for address in ("127.0.0.1", "169.254.169.254")]

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    async with Prober(fast).at_work():
        await register(fast, "http://innocent.example:80")
        await until(lambda: not fast.live())
    reason = echo(fast).health.reason
    assert reason is not None
    assert "169.254.169.254 is no address of a service" in reason


async def test_the_address_that_was_looked_at_is_the_one_that_is_asked(
    fast: Registry, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is resolved once for a probe; the request goes to that address and carries the name."""
    loop = asyncio.get_running_loop()
    asked: list[str] = []

    async with server.running() as url:
        port = int(url.rpartition(":")[2])

        async def resolve(host: str, port: int, **_: Any) -> list[Any]:
            asked.append(host)
            return [(0, 0, 0, "", ("127.0.0.1", port))]

        monkeypatch.setattr(loop, "getaddrinfo", resolve)
        async with Prober(fast).at_work():
            await register(fast, f"http://orders.example:{port}")
            await until(lambda: server.requests)
        assert set(asked) == {"orders.example"}
    assert f"host: orders.example:{port}".encode() in server.requests[0].lower()


async def test_a_bounded_number_is_asked_at_a_time(fast: Registry, server: Server) -> None:
    """With twenty instances due and room for three probes, three are under way, and everyone gets a turn."""
    server.hold.clear()
    async with server.running() as url, Prober(fast, concurrency=3).at_work():
        for number in range(20):
            await register(fast, f"{url}/{number:02}", f"i{number:02}")
        await until(lambda: server.open == 3)
        server.hold.set()
        await until(lambda: len({request.split()[1] for request in server.requests}) == 20)
    assert server.most_open == 3


async def test_a_stall_of_the_registry_is_held_against_nobody(fast: Registry, server: Server) -> None:
    """A failure that took much longer than a probe may, because this process stood still, does not count; the next one does."""
    now = [0.0]
    server.answer = b""
    server.hold.clear()
    check = HealthCheck("/", interval=timedelta(hours=1), timeout=timedelta(seconds=30), unhealthy_after=1)
    prober = Prober(fast, monotonic=lambda: now[0])
    async with server.running() as url, prober.at_work():
        await register(fast, url, check=check)
        await until(lambda: server.requests)
        now[0] += 60
        server.hold.set()
        await until(lambda: not prober._under_way)
        assert echo(fast).health.status is Health.HEALTHY
        now[0] += 3_600
        await until(lambda: echo(fast).health.status is Health.UNHEALTHY)
    assert len(server.requests) == 2


async def test_who_leaves_is_not_asked_any_more(fast: Registry, server: Server) -> None:
    """Probes end with the registration, and what comes later at the same address is probed as something new."""
    async with server.running() as url, Prober(fast).at_work():
        await register(fast, url)
        await until(lambda: server.requests)
        await fast.leave("echo", "a")
        other = Server()
        async with other.running() as other_url:
            await register(fast, other_url, "b")
            await until(lambda: len(other.requests) >= 2)
            count = len(server.requests)
            await until(lambda: len(other.requests) >= 6)
            assert len(server.requests) <= count + 1
