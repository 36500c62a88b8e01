"""What every store of answers does."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from maestro_core_api._idempotency import Answer, Begun
from maestro_core_api._idempotency_store import IdempotencyStore, MemoryIdempotencyStore
from maestro_core_api._idempotency_valkey import ValkeyIdempotencyStore
from maestro_core_api._rate_limit_store import StoreUnavailableError

MakeStore = Callable[..., IdempotencyStore]
ANSWER = Answer(201, ((b"location", b"/orders/7"), (b"x-name", "Zoë".encode("latin-1"))), b'{"a":1}\n\0\xff').to_bytes()


@pytest.fixture(params=["memory", "valkey"])
def make_store(request: pytest.FixtureRequest) -> MakeStore:
    """Make each store in turn."""
    valkey = request.getfixturevalue("valkey") if request.param == "valkey" else None

    def make(
        *, keep: timedelta = timedelta(hours=1), lease: timedelta = timedelta(minutes=1), run_again: bool = True
    ) -> IdempotencyStore:
        if valkey is None:
            return MemoryIdempotencyStore(keep=keep, lease=lease, run_again=run_again)
        return ValkeyIdempotencyStore(valkey, "orders", keep=keep, lease=lease, run_again=run_again)

    return make


async def test_the_first_runs_and_the_others_get_its_answer(make_store: MakeStore) -> None:
    """The first request runs; while it does, the same one is told so; afterwards it gets the answer, byte for byte."""
    store = make_store()
    assert await store.begin("k", "f", "one") == Begun("run", 1)
    assert (await store.begin("k", "f", "two")).verdict == "running"
    assert await store.finish("k", "one", ANSWER)
    assert await store.begin("k", "f", "three") == Begun("answered", 1, ANSWER)


async def test_of_many_at_once_one_runs(make_store: MakeStore) -> None:
    """However many come at the same moment, one runs."""
    store = make_store()
    begun = await asyncio.gather(*(store.begin("k", "f", str(number)) for number in range(20)))
    assert sorted(one.verdict for one in begun) == ["run"] + ["running"] * 19


async def test_a_key_belongs_to_one_request(make_store: MakeStore) -> None:
    """Another request with the same key is told so, before and after the first is answered."""
    store = make_store()
    await store.begin("k", "f", "one")
    assert (await store.begin("k", "g", "two")).verdict == "other_request"
    await store.finish("k", "one", ANSWER)
    assert (await store.begin("k", "g", "two")).verdict == "other_request"


async def test_asking_twice_is_asking_once(make_store: MakeStore) -> None:
    """The same owner may ask again, as it does when a connection broke before the first answer came."""
    store = make_store()
    assert await store.begin("k", "f", "one") == Begun("run", 1)
    assert await store.begin("k", "f", "one") == Begun("run", 1)


async def test_after_giving_up_the_request_runs_again(make_store: MakeStore) -> None:
    """A request whose owner gave up is run again as the second attempt, and the first owner has no say any more."""
    store = make_store()
    await store.begin("k", "f", "one")
    await store.give_up("k", "one")
    assert await store.begin("k", "f", "two") == Begun("run", 2)
    assert not await store.renew("k", "one")
    assert not await store.finish("k", "one", ANSWER)
    assert await store.finish("k", "two", ANSWER)


async def test_a_lease_ends_by_itself(make_store: MakeStore) -> None:
    """A request whose owner gives no sign of life any more is run again."""
    store = make_store(lease=timedelta(milliseconds=1))
    await store.begin("k", "f", "one")
    while (begun := await store.begin("k", "f", "two")).verdict == "running":
        await asyncio.sleep(0.001)
    assert begun == Begun("run", 2)


async def test_a_sign_of_life_makes_a_lease_longer(make_store: MakeStore) -> None:
    """A request whose owner renews its lease is left alone when the first lease is over."""
    store = make_store(lease=timedelta(milliseconds=1))
    await store.begin("k", "f", "one")
    store._lease_ms = 3_600_000  # type: ignore[attr-defined]
    assert await store.renew("k", "one")
    await asyncio.sleep(0.01)
    assert (await store.begin("k", "f", "two")).verdict == "running"


async def test_what_did_not_end_may_be_refused(make_store: MakeStore) -> None:
    """Where attempts are not repeated, a request whose owner gave up or died is refused from then on."""
    store = make_store(run_again=False)
    await store.begin("k", "f", "one")
    await store.give_up("k", "one")
    assert (await store.begin("k", "f", "two")).verdict == "outcome_unknown"
    assert (await store.begin("k", "f", "three")).verdict == "outcome_unknown"


async def test_an_answer_may_be_missing(make_store: MakeStore) -> None:
    """A request whose answer was too large counts as answered, without an answer."""
    store = make_store()
    await store.begin("k", "f", "one")
    assert await store.finish("k", "one", None)
    assert await store.begin("k", "f", "two") == Begun("answered", 1, None)


async def test_an_answer_is_final(make_store: MakeStore) -> None:
    """After the answer is kept, nothing changes it."""
    store = make_store()
    await store.begin("k", "f", "one")
    await store.finish("k", "one", ANSWER)
    assert not await store.finish("k", "one", b"other")
    assert not await store.renew("k", "one")
    await store.give_up("k", "one")
    assert (await store.begin("k", "f", "two")).answer == ANSWER


async def test_records_end(make_store: MakeStore) -> None:
    """When its time is over, a key is free for anything."""
    store = make_store(keep=timedelta(milliseconds=50))
    await store.begin("k", "f", "one")
    await store.finish("k", "one", ANSWER)
    await asyncio.sleep(0.08)
    assert await store.begin("k", "g", "two") == Begun("run", 1)


async def test_memory_is_bounded_by_number_and_by_size() -> None:
    """The oldest answers are forgotten when there are too many; a request that is being answered never is."""
    store = MemoryIdempotencyStore(
        keep=timedelta(hours=1), lease=timedelta(hours=1), run_again=True, max_records=3, max_bytes=100
    )
    await store.begin("running", "f", "o")
    for number in range(5):
        await store.begin(str(number), "f", "o")
        await store.finish(str(number), "o", b"x" * 40)
    assert len(store) == 3
    assert (await store.begin("running", "f", "other")).verdict == "running"
    assert (await store.begin("4", "f", "other")).verdict == "answered"
    assert (await store.begin("2", "f", "other")).verdict == "run"


async def test_a_memory_full_of_running_requests_takes_no_more() -> None:
    """When every record belongs to a running request, the next one is told that it cannot be kept."""
    store = MemoryIdempotencyStore(keep=timedelta(hours=1), lease=timedelta(hours=1), run_again=True, max_records=1)
    await store.begin("a", "f", "o")
    with pytest.raises(StoreUnavailableError):
        await store.begin("b", "f", "o")


def test_answers_survive_being_written() -> None:
    """Status, headers and body come back as they were."""
    assert Answer.from_bytes(ANSWER).to_bytes() == ANSWER
    assert Answer.from_bytes(ANSWER).body == b'{"a":1}\n\0\xff'
