import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from intelligence_service.budgets import Budget, Meter, MeteredModel, SqlUsageStore, Window
from intelligence_service.domain.errors import BudgetExhaustedError, ModelUnavailableError
from intelligence_service.domain.model import Message, ModelReply, ModelRequest
from intelligence_service.domain.tokens import Price, Usage, estimated_tokens
from maestro_core_db import Database

NOW = datetime(2026, 11, 30, 23, 59, 30, tzinfo=UTC)
REQUEST = ModelRequest((Message("user", "x" * 30),), "answer", {}, 0.0, 100)
ASKED = 14 + 100


class Answers:
    """A model that takes what it is told to take."""

    identity = "m"

    def __init__(self, usage: Usage | None = None) -> None:
        self.usage = usage
        self.calls = 0

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.calls += 1
        if self.usage is None:
            raise ModelUnavailableError("m", "away", hint="")
        return ModelReply("{}", "m", usage=self.usage)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply]:
        self.calls += 1
        yield "one two three"
        yield "four five six"
        raise AssertionError("nobody waits for this")


def meter(db: Database, *budgets: Budget, now: datetime = NOW) -> Meter:
    return Meter(SqlUsageStore(db), budgets=budgets, price=Price(Decimal(1), Decimal(2)), now=lambda: now)


async def used(db: Database, tenant: str, window: Window = Window.DAY) -> tuple[int, int, int]:
    found = {each.window: each for each in await SqlUsageStore(db).usage(tenant, NOW)}[window]
    return found.calls, found.tokens, found.cost_micros


def test_windows_follow_the_calendar() -> None:
    """Hours, days and months begin where the calendar says, in UTC, wherever the clock stands."""
    east = NOW.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    assert Window.MONTH.start(east) == datetime(2026, 11, 1, tzinfo=UTC)
    assert Window.MONTH.end(NOW) == Window.DAY.end(NOW) == Window.HOUR.end(NOW) == datetime(2026, 12, 1, tzinfo=UTC)
    assert Window.HOUR.start(NOW) == datetime(2026, 11, 30, 23, tzinfo=UTC)


def test_prices_are_exact_and_rounded_up() -> None:
    """A fraction of a millionth costs a whole one; nothing costs nothing."""
    assert Price(Decimal("0.15"), Decimal("0.6")).of(1_000_000, 1_000_000) == 750_000
    assert Price(Decimal("0.15"), Decimal("0.6")).of(1, 0) == 1
    assert Price().of(5, 5) == 0
    assert estimated_tokens("x" * 30) == 10


async def test_what_was_booked_is_corrected_by_what_was_used(migrated: Database) -> None:
    """Before the answer the most is booked, after it what it took, in every window."""
    model = MeteredModel(Answers(Usage(20, 5, 30)), meter(migrated), "acme")
    await model.complete(REQUEST)
    assert [await used(migrated, "acme", window) for window in Window] == [(1, 25, 30)] * 3
    assert await used(migrated, "other") == (0, 0, 0)


async def test_a_call_that_failed_costs_nothing(migrated: Database) -> None:
    """No answer, no tokens; the call counts."""
    with pytest.raises(ModelUnavailableError):
        await MeteredModel(Answers(), meter(migrated), "acme").complete(REQUEST)
    assert await used(migrated, "acme") == (1, 0, 0)


class Late:
    """A model of which nothing is heard in time: of `unheard` endpoints that were asked."""

    identity = "m"

    def __init__(self, unheard: int, *pieces: str, usage: Usage | None = None) -> None:
        self.unheard = unheard
        self.pieces = pieces
        self.usage = usage

    async def complete(self, request: ModelRequest) -> ModelReply:
        if self.usage is not None:
            return ModelReply("{}", "m", usage=self.usage, unheard=self.unheard)
        raise ModelUnavailableError("m", "did not answer within 1 s", hint="", unheard=self.unheard)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply]:
        for piece in self.pieces:
            yield piece
        yield await self.complete(request)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_call_that_timed_out_stays_booked(migrated: Database, streamed: bool) -> None:
    """Nobody knows what the model makes of it: each endpoint that was asked counts with the most that it may take."""

    async def ask(late: Late) -> None:
        model = MeteredModel(late, meter(migrated), "acme")
        if streamed:
            assert [piece async for piece in model.stream(REQUEST)]
        else:
            await model.complete(REQUEST)

    with pytest.raises(ModelUnavailableError):
        await ask(Late(2))
    assert await used(migrated, "acme") == (1, 2 * ASKED, 2 * (14 + 200))
    await ask(Late(1, usage=Usage(20, 5, 30)))
    assert await used(migrated, "acme") == (2, 3 * ASKED + 25, 3 * (14 + 200) + 30)


async def test_a_call_that_was_cancelled_stays_booked(migrated: Database) -> None:
    """As when the caller's own time was over while the model was at it."""

    class Asked(Late):
        begun = asyncio.Event()

        async def complete(self, request: ModelRequest) -> ModelReply:
            self.begun.set()
            await asyncio.Event().wait()
            raise AssertionError("nothing is to come")

    model = Asked(0)
    task = asyncio.create_task(MeteredModel(model, meter(migrated), "acme").complete(REQUEST))
    await model.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await used(migrated, "acme") == (1, ASKED, 14 + 200)


async def test_a_stream_that_broke_off_is_booked_as_far_as_it_came(migrated: Database) -> None:
    """An answer that was heard in part is not booked to the most."""
    with pytest.raises(ModelUnavailableError):
        assert [
            piece async for piece in MeteredModel(Late(0, "one two three"), meter(migrated), "acme").stream(REQUEST)
        ]
    assert await used(migrated, "acme") == (1, 14 + estimated_tokens("one two three"), 14 + 2 * 5)


async def test_a_stream_that_nobody_reads_on_is_booked_as_far_as_it_came(migrated: Database) -> None:
    """Closing the stream settles with the question and the pieces that came."""
    model = MeteredModel(Answers(), meter(migrated), "acme")
    async with aclosing(model.stream(REQUEST)) as pieces:
        assert await anext(pieces) == "one two three"
    assert await used(migrated, "acme") == (1, 14 + estimated_tokens("one two three"), 14 + 2 * 5)


@pytest.mark.parametrize(
    ("budget", "unit"),
    [(Budget(Window.DAY, tokens=ASKED * 3), "tokens"), (Budget(Window.HOUR, cost_micros=(14 + 200) * 3), "micros")],
)
async def test_a_budget_holds_however_many_ask_at_once(migrated: Database, budget: Budget, unit: str) -> None:
    """Of ten questions at the same time exactly as many are asked as there is room for; the others learn what to do."""
    model = Answers(Usage(14, 100, 214))
    metered = MeteredModel(model, meter(migrated, budget), "acme")
    results = await asyncio.gather(*(metered.complete(REQUEST) for _ in range(10)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, BudgetExhaustedError)]
    assert (model.calls, len(refused)) == (3, 7)
    assert refused[0].unit == unit
    assert refused[0].retry_after == timedelta(seconds=30)
    assert "wait for the next window" in str(refused[0])


async def test_the_next_window_has_room_again(migrated: Database) -> None:
    """A used-up day ends at midnight, also for what another process booked."""
    budget = Budget(Window.DAY, tokens=ASKED)
    full = Usage(14, 100)
    await MeteredModel(Answers(full), meter(migrated, budget), "acme").complete(REQUEST)
    with pytest.raises(BudgetExhaustedError):
        await MeteredModel(Answers(full), meter(migrated, budget), "acme").complete(REQUEST)
    tomorrow = meter(migrated, budget, now=NOW + timedelta(minutes=1))
    await MeteredModel(Answers(full), tomorrow, "acme").complete(REQUEST)


async def test_a_tenants_own_budget_takes_the_place_of_everybodys(migrated: Database) -> None:
    """For the same window only its own counts; others keep the general one."""
    budgets = (Budget(Window.DAY, tokens=10), Budget(Window.DAY, tenant="acme", tokens=10_000))
    counted = meter(migrated, *budgets)
    await MeteredModel(Answers(Usage(1, 1)), counted, "acme").complete(REQUEST)
    with pytest.raises(BudgetExhaustedError, match="tokens-per-day allows 10 tokens"):
        await MeteredModel(Answers(Usage(1, 1)), counted, "other").complete(REQUEST)


async def test_what_is_booked_stays_when_nobody_settles(migrated: Database) -> None:
    """A process that dies between question and answer has used its budget up to the most that the call could take."""
    charge = await meter(migrated).charge("acme", REQUEST)
    assert charge.booked.tokens == ASKED
    assert await used(migrated, "acme") == (1, ASKED, 14 + 200)
    history = await SqlUsageStore(migrated).history("acme", Window.MONTH, 5)
    assert [each.tokens for each in history] == [ASKED]
