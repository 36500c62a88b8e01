from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from maestro_workflow_engine import (
    EngineClosedError,
    JournalWriteError,
    RetryPolicy,
    RunStatus,
    StandstillError,
    WorkflowEngine,
    WorkflowFailedError,
    now,
    on_update,
    random,
    receive,
    run_child,
    step,
    step_info,
    workflow,
)

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
START = datetime(2031, 5, 1, tzinfo=UTC)


@step
async def remind(day: int) -> str:
    return f"reminder on day {day}"


@workflow
async def approval(order: str) -> list[str]:
    """Asks for an approval, reminds every week, gives up after thirty days."""
    said = [f"asked for {order}"]

    async def nag() -> None:
        for week in range(1, 5):
            await asyncio.sleep(7 * DAY.total_seconds())
            said.append(await remind(7 * week))

    nagging = asyncio.create_task(nag())
    try:
        answer = await receive("approval", timeout=30 * DAY)
        said.append(f"approved by {answer}")
    except TimeoutError:
        said.append("given up")
    nagging.cancel()
    return said


async def test_a_month_of_reminders_passes_while_the_result_is_awaited():
    """A 30-day approval nobody answers runs through all its reminders, and the clock shows the thirtieth day."""
    async with WorkflowEngine.test([approval], start_time=START) as engine:
        handle = await engine.start(approval, "o-1")
        assert await handle.result(timeout=31 * DAY) == [
            "asked for o-1", "reminder on day 7", "reminder on day 14", "reminder on day 21", "reminder on day 28", "given up",
        ]  # fmt: skip
        assert engine.time.now() == START + 30 * DAY
        times = [event.time for event in await handle.history() if event.type == "timer_fired"]
        assert times == [START + days * DAY for days in (7, 14, 21, 28, 30)]


async def test_a_signal_from_outside_comes_on_its_day():
    """Between two reminders the test wakes, approves, and the workflow goes on from there."""
    async with WorkflowEngine.test([approval], start_time=START) as engine:
        handle = await engine.start(approval, "o-2")
        await engine.time.sleep(8 * DAY)
        await handle.signal("approval", "Ada")
        assert await handle.result() == ["asked for o-2", "reminder on day 7", "approved by Ada"]
        assert engine.time.now() == START + 8 * DAY


async def test_a_signal_interleaves_while_another_task_awaits_the_result():
    """A script beside an awaited result has its turn at its own time: the result does not run ahead of it."""
    async with WorkflowEngine.test([approval], start_time=START) as engine:
        handle = await engine.start(approval, "o-3")

        async def script() -> None:
            await engine.time.sleep(15 * DAY)
            for _ in range(50):  # however many turns of the event loop it needs
                await asyncio.sleep(0)
            await handle.signal("approval", "Bob")

        said, _ = await asyncio.gather(handle.result(), script())
        assert said[-2:] == ["reminder on day 14", "approved by Bob"]
        assert engine.time.now() == START + 15 * DAY


@pytest.mark.parametrize(
    ("sent_after", "expected"),
    [(3 * DAY - timedelta(microseconds=1), "yes"), (3 * DAY, "too late"), (3 * DAY + HOUR, "too late")],
)
async def test_a_signal_on_either_side_of_a_timeout(sent_after, expected):
    """A signal one microsecond before the timeout wins; at its very moment what was due comes first."""

    @workflow
    async def ask() -> str:
        try:
            answer: str = await receive("answer", timeout=3 * DAY)
        except TimeoutError:
            await asyncio.sleep(HOUR.total_seconds() * 2)
            return "too late"
        return answer

    async with WorkflowEngine.test([ask]) as engine:
        handle = await engine.start(ask)
        await engine.time.sleep(sent_after)
        await handle.signal("answer", "yes")
        assert await handle.result() == expected


async def test_hours_of_backoff_pass_at_once():
    """The waits between attempts double up to a day, in virtual time and to the microsecond."""
    moments: list[datetime] = []
    policy = RetryPolicy(max_attempts=6, initial_interval=4 * HOUR, max_interval=DAY, jitter=0)

    async with WorkflowEngine.test(start_time=START) as engine:

        @step(retry=policy)
        async def flaky() -> int:
            moments.append(engine.time.now())
            if step_info().attempt < 6:
                raise OSError("down")
            return step_info().attempt

        @workflow
        async def stubborn() -> int:
            return await flaky()

        engine.register(stubborn)
        assert await (await engine.start(stubborn)).result() == 6
    assert [(moment - START) // HOUR for moment in moments] == [0, 4, 12, 28, 52, 76]


async def test_children_and_their_parent_share_the_time():
    """A parent that waits a week for one child and three days for another ends on the seventh day."""

    @workflow
    async def nap(days: int) -> str:
        await asyncio.sleep(days * DAY.total_seconds())
        return now().isoformat()

    @workflow
    async def family() -> list[str]:
        return list(await asyncio.gather(nap(7), run_child(nap, 3)))

    async with WorkflowEngine.test([nap, family], start_time=START) as engine:
        handle = await engine.start(family)
        assert await handle.result() == [(START + 7 * DAY).isoformat(), (START + 3 * DAY).isoformat()]
        assert engine.time.now() == START + 7 * DAY


async def test_a_thousand_sleepers_wake_in_order():
    """They wake by time, and those of one moment in the order in which they lay down."""

    @workflow
    async def dormitory() -> list[int]:
        woken: list[int] = []

        async def sleeper(n: int) -> None:
            await asyncio.sleep((n * 37 % 100) * HOUR.total_seconds())
            woken.append(n)

        await asyncio.gather(*(sleeper(n) for n in range(1000)))
        return woken

    async with WorkflowEngine.test([dormitory]) as engine:
        woken = await (await engine.start(dormitory)).result()
    assert woken == sorted(range(1000), key=lambda n: (n * 37 % 100, n))


async def test_runs_outside_memory_are_woken_in_their_time():
    """More sleeping runs than memory holds: each is taken up again at its moment, none early, none late."""

    @workflow
    async def nap(hours: int) -> str:
        await asyncio.sleep(hours * 3600)
        return now().isoformat()

    async with WorkflowEngine.test([nap], start_time=START, max_workflows_in_memory=3) as engine:
        handles = [await engine.start(nap, hours) for hours in range(20, 0, -1)]
        results = [await handle.result() for handle in handles]
    assert results == [(START + hours * HOUR).isoformat() for hours in range(20, 0, -1)]


async def test_the_same_test_takes_the_same_path_byte_for_byte():
    """Concurrent runs with steps, failures, jitter and random numbers leave the same histories twice over."""

    @step(retry=RetryPolicy(max_attempts=3, initial_interval=HOUR))
    async def work(n: int) -> int:
        for _ in range(n % 7):
            await asyncio.sleep(0)
        if n % 5 == 0 and step_info().attempt < 3:
            raise OSError(n)
        return n

    @workflow
    async def branchy(n: int) -> list[float]:
        async def branch(k: int) -> float:
            await asyncio.sleep(random().randrange(3))
            return await work(n + k) + random().random()

        return list(await asyncio.gather(*(branch(k) for k in range(5))))

    async def once() -> list[object]:
        async with WorkflowEngine.test([branchy], seed=7) as engine:
            handles = [await engine.start(branchy, n, id=f"r{n}") for n in range(20)]
            results = await asyncio.gather(*(handle.result() for handle in handles))
            return [results, [await handle.history() for handle in handles], engine.time.now()]

    assert await once() == await once()


async def test_time_stands_still_unless_the_test_waits_for_it():
    """Between the test's calls nothing happens by itself, however long the test takes for real."""
    async with WorkflowEngine.test([approval], start_time=START) as engine:
        handle = await engine.start(approval, "o-4")
        for _ in range(2000):
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert engine.time.now() == START
        await handle.signal("approval", "Eve")
        assert await handle.result() == ["asked for o-4", "approved by Eve"]


async def test_time_stands_still_while_a_step_runs():
    """A step that really works is waited for; the timeout beside it does not run out meanwhile."""
    gate = asyncio.Event()

    @step
    async def work() -> str:
        await gate.wait()
        return "done"

    @workflow
    async def hurried() -> str:
        async with asyncio.timeout(1):
            return await work()

    async with WorkflowEngine.test([hurried], start_time=START) as engine:
        handle = await engine.start(hurried)
        asyncio.get_running_loop().call_later(0.02, gate.set)
        assert await handle.result() == "done"
        assert engine.time.now() == START


async def test_plain_steps_in_threads_are_waited_for():
    """A function on a thread keeps time from moving as well."""
    here = asyncio.get_running_loop()
    entered, gate = asyncio.Event(), asyncio.Event()

    @step
    def work() -> str:
        here.call_soon_threadsafe(entered.set)
        asyncio.run_coroutine_threadsafe(gate.wait(), here).result()
        return "done"

    @workflow
    async def hurried() -> str:
        async with asyncio.timeout(1):
            return await work()

    async with WorkflowEngine.test([hurried], start_time=START) as engine:
        result = asyncio.create_task((await engine.start(hurried)).result())
        await entered.wait()
        for _ in range(2000):
            await asyncio.sleep(0)
        assert engine.time.now() == START
        gate.set()
        assert await result == "done"


async def test_a_test_can_stop_time_while_it_does_real_work():
    """While one task awaits the result, another holds time for as long as it needs."""
    async with WorkflowEngine.test([approval], start_time=START) as engine:
        handle = await engine.start(approval, "o-5")
        result = asyncio.create_task(handle.result())
        with engine.time.stopped():
            await asyncio.sleep(0.02)
            assert engine.time.now() == START
            await handle.signal("approval", "Mia")
        assert await result == ["asked for o-5", "approved by Mia"]


async def test_a_watched_run_lets_time_move():
    """Following a run's history to its end takes no other waiting."""
    async with WorkflowEngine.test([approval]) as engine:
        await engine.start(approval, "o-6", id="w")
        kinds = [event.type async for event in engine.watch("w")]
        assert kinds.count("timer_fired") == 5
        assert kinds[-1] == "run_completed"


async def test_a_result_times_out_when_virtual_time_passes_it():
    """No real waiting: the timeout is the next thing due, and the run goes on afterwards."""
    async with WorkflowEngine.test([approval], start_time=START) as engine:
        handle = await engine.start(approval, "o-7")
        with pytest.raises(TimeoutError) as caught:
            await handle.result(timeout=10 * DAY)
        assert not isinstance(caught.value, StandstillError)
        assert engine.time.now() == START + 10 * DAY
        assert (await handle.status()).status is RunStatus.RUNNING
        assert len(await handle.result(timeout=20 * DAY)) == 6  # ends at the very moment of the timeout: in time


async def test_a_run_that_waits_for_nothing_that_comes_is_named():
    """Awaiting a result that no one will ever bring about fails with the run and the signal, instead of hanging."""

    @workflow
    async def deaf() -> None:
        await receive("approval")

    async with WorkflowEngine.test([deaf], patience=timedelta(milliseconds=50)) as engine:
        handle = await engine.start(deaf, id="r-1")
        with pytest.raises(StandstillError, match="run 'r-1' of 'deaf' waits for signal 'approval'") as caught:
            await handle.result()
        assert caught.value.patience == timedelta(milliseconds=50)
        with pytest.raises(TimeoutError):
            await handle.result(timeout=DAY)


async def test_a_timeout_that_is_over_does_not_draw_time():
    """A result that came in time leaves nothing behind that time would run to."""

    @workflow
    async def brief() -> None:
        await asyncio.sleep(3600)

    @workflow
    async def deaf() -> None:
        await receive("approval")

    patience = timedelta(milliseconds=50)
    async with WorkflowEngine.test([brief, deaf], start_time=START, patience=patience) as engine:
        await (await engine.start(brief)).result(timeout=1000 * DAY)
        with pytest.raises(StandstillError):
            await (await engine.start(deaf)).result()
        assert engine.time.now() == START + HOUR


async def test_a_step_that_never_returns_is_named():
    """A step that hangs does not hang the test: patience runs out and the step is named."""

    @step
    async def hang() -> None:
        await asyncio.Event().wait()

    @workflow
    async def stuck() -> None:
        await hang()

    async with WorkflowEngine.test([stuck], patience=timedelta(milliseconds=50)) as engine:
        handle = await engine.start(stuck, id="r-2")
        with pytest.raises(StandstillError, match="step 'hang'"):
            await handle.result(timeout=DAY)


async def test_time_moved_by_hand():
    """With auto=False only `advance` moves time, as far as it says and through everything due on the way."""
    async with WorkflowEngine.test([approval], start_time=START, auto=False) as engine:
        handle = await engine.start(approval, "o-8")
        result = asyncio.create_task(handle.result())
        await engine.time.advance(6 * DAY)
        assert engine.time.now() == START + 6 * DAY
        assert not [event for event in await handle.history() if event.type == "timer_fired"]
        await engine.time.advance(DAY)
        assert "step_completed" in [event.type for event in await handle.history()]
        await engine.time.advance(100 * DAY)
        assert (await result)[-1] == "given up"
        assert engine.time.now() == START + 107 * DAY


async def test_waiting_without_anyone_moving_time_is_named():
    """With auto=False, a result that nobody advances to says so."""
    async with WorkflowEngine.test([approval], auto=False, patience=timedelta(milliseconds=50)) as engine:
        handle = await engine.start(approval, "o-9")
        with pytest.raises(StandstillError, match=r"nobody calls .*advance"):
            await handle.result(timeout=60 * DAY)


async def test_sleepers_of_one_moment_wake_one_after_the_other():
    """Several tasks of the test that sleep to the same moment have their turns in the order in which they lay down."""
    async with WorkflowEngine.test() as engine:
        turns: list[str] = []

        async def script(name: str) -> None:
            await engine.time.sleep(DAY)
            turns.append(name)
            await asyncio.sleep(0)
            turns.append(name)

        await asyncio.gather(*(script(name) for name in "abc"))
        assert turns == list("aabbcc")


async def test_closing_tells_those_who_wait_for_time():
    """A sleeping task of the test ends with the engine instead of sleeping for ever."""
    async with WorkflowEngine.test(auto=False) as engine:
        sleeping = asyncio.create_task(engine.time.sleep(DAY))
        await asyncio.sleep(0)
    with pytest.raises(EngineClosedError):
        await sleeping


async def test_a_run_goes_on_in_an_engine_opened_years_later(tmp_path):
    """A journal that is opened again at a later time rings what has fallen due since, at once."""
    url = f"sqlite:///{tmp_path}/runs.db"
    async with WorkflowEngine.test([approval], start_time=START, url=url) as engine:
        await engine.start(approval, "o-10", id="long")
        await engine.time.sleep(10 * DAY)
    async with WorkflowEngine.test([approval], start_time=START + 1000 * DAY, url=url) as engine:
        said = await engine.handle("long").result()
        assert said[-1] == "given up"
        assert said[1] == "reminder on day 7"
        assert engine.time.now() >= START + 1000 * DAY


async def test_a_failing_workflow_fails_in_its_time():
    """An error after a week of waiting is an error after a week, not a hang."""

    @workflow
    async def doomed() -> None:
        await asyncio.sleep(7 * DAY.total_seconds())
        raise LookupError("no stock")

    async with WorkflowEngine.test([doomed], start_time=START) as engine:
        handle = await engine.start(doomed)
        with pytest.raises(WorkflowFailedError, match="no stock"):
            await handle.result()
        assert engine.time.now() == START + 7 * DAY


async def test_a_start_time_needs_a_time_zone():
    """A naive start time would mean another moment on each machine."""
    with pytest.raises(ValueError, match="time zone"):
        WorkflowEngine.test(start_time=datetime(2031, 5, 1))  # noqa: DTZ001  the mistake under test


async def test_a_refused_write_is_told_and_kept_work_waits_for_the_disk():
    """A full disk refuses a start; the result of a step stays queued, and time with it, until there is room."""
    release = asyncio.Event()

    @step
    async def work() -> str:
        await release.wait()
        return "x" * 200_000

    @workflow
    async def big() -> int:
        size = len(await work())
        await asyncio.sleep(3600)
        return size

    async with WorkflowEngine.test([big], start_time=START) as engine:
        handle = await engine.start(big)
        connection = engine._runner._opened.journal._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        result = asyncio.create_task(handle.result())
        release.set()
        while engine.failure is None:
            await asyncio.sleep(0)
        with pytest.raises(JournalWriteError):
            await engine.start(big)
        assert engine.time.now() == START
        connection.execute("PRAGMA max_page_count = 1000000")
        assert await result == 200_000
        assert engine.failure is None


async def test_an_update_lets_time_move():
    """An update whose handler waits a day is answered a day later; its timeout is virtual too."""

    @workflow
    async def slow() -> None:
        async def handler(payload: int) -> int:
            await asyncio.sleep(DAY.total_seconds())
            return payload + 1

        on_update("add", handler)
        await receive("end")

    async with WorkflowEngine.test([slow], start_time=START) as engine:
        handle = await engine.start(slow)
        assert await handle.update("add", 1) == 2
        assert engine.time.now() == START + DAY
        with pytest.raises(TimeoutError):
            await handle.update("add", 1, timeout=HOUR)
        assert engine.time.now() == START + DAY + HOUR
