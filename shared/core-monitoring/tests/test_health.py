import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from maestro_core_logging.testing import capture_logs
from maestro_core_monitoring import HealthCheckError, HealthRegistry, MetricsCollector, MonitoringError
from maestro_core_monitoring.testing import metric_value


async def passes() -> None:
    """Pass."""


async def test_no_checks_means_healthy() -> None:
    """A service without checks is ready."""
    report = await HealthRegistry().run("readiness")
    assert report.healthy
    assert report.checks == ()


async def test_each_kind_runs_its_own_checks() -> None:
    """A failing readiness check leaves liveness alone."""
    registry = HealthRegistry()

    async def fails() -> None:
        raise HealthCheckError("the journal is not open")

    registry.add("alive", passes, kind="liveness")
    registry.add("journal", fails)
    assert (await registry.run("liveness")).healthy
    report = await registry.run("readiness")
    assert not report.healthy
    assert [(check.name, check.error) for check in report.failing] == [("journal", "the journal is not open")]


async def test_unexpected_exceptions_show_their_class_only() -> None:
    """The text of an exception may hold credentials and is not shown."""
    registry = HealthRegistry()

    async def fails() -> None:
        raise ConnectionError("postgres://user:password@host")

    registry.add("database", fails)
    (result,) = (await registry.run()).checks
    assert result.error == "ConnectionError"


async def test_a_check_that_hangs_fails_in_time_and_alone() -> None:
    """A check beyond its timeout fails; the others still pass."""
    registry = HealthRegistry()
    registry.add("stuck", asyncio.Event().wait, timeout=timedelta(milliseconds=10))
    registry.add("fine", passes)
    report = await registry.run()
    assert {check.name: check.error for check in report.checks} == {"stuck": "no answer within 0.01 s", "fine": None}


async def test_checks_run_at_the_same_time() -> None:
    """Checks that need each other to go on can both pass: nothing waits in line."""
    registry = HealthRegistry()
    barrier = asyncio.Barrier(2)
    registry.add("one", barrier.wait)
    registry.add("two", barrier.wait)
    assert (await registry.run()).healthy


async def test_a_timeout_of_the_check_itself_is_not_ours() -> None:
    """A TimeoutError that a check raises on its own is not reported as its time limit."""
    registry = HealthRegistry()

    async def fails() -> None:
        raise TimeoutError

    registry.add("model", fails)
    assert (await registry.run()).checks[0].error == "TimeoutError"


async def test_outcomes_are_published() -> None:
    """Each run sets service_health_status."""
    metrics = MetricsCollector("orders")
    registry = HealthRegistry(metrics)
    registry.add("fine", passes)
    registry.add("stuck", asyncio.Event().wait, timeout=timedelta(0))
    await registry.run()
    body = metrics.exposition()[0].decode()
    assert 'service_health_status{check="fine",service="orders"} 1.0' in body
    assert 'service_health_status{check="stuck",service="orders"} 0.0' in body


def test_names_are_unique() -> None:
    """A second check of the same name is refused, so that none is lost in silence."""
    registry = HealthRegistry()
    registry.add("database", passes)
    with pytest.raises(MonitoringError, match="database"):
        registry.add("database", passes, kind="liveness")


async def test_plain_functions_run_in_a_thread() -> None:
    """A check that blocks does not block the service: both threads are needed for either to pass."""
    registry = HealthRegistry()
    barrier = threading.Barrier(2, timeout=30)
    registry.add("one", barrier.wait, timeout=timedelta(seconds=30))
    registry.add("two", barrier.wait, timeout=timedelta(seconds=30))
    assert (await registry.run()).healthy


async def test_a_function_that_returns_something_to_wait_for_is_waited_for() -> None:
    """`lambda: ping()` is as good as `ping`."""
    registry = HealthRegistry()

    async def fails() -> None:
        raise HealthCheckError("away")

    registry.add("ping", lambda: fails())  # noqa: PLW0108 - the point of the test
    assert (await registry.run()).failing[0].error == "away"


async def test_a_check_that_hangs_in_a_thread_does_not_pile_up() -> None:
    """Nobody can stop a thread; so no second one is started before the first has ended, and the report says why."""
    registry = HealthRegistry()
    release = threading.Event()
    starts: list[int] = []

    def hangs() -> None:
        starts.append(1)
        release.wait(60)

    registry.add("disk", hangs, timeout=timedelta(milliseconds=10))
    assert (await registry.run()).checks[0].error == "no answer within 0.01 s"
    for _ in range(3):
        error = (await registry.run()).checks[0].error
        assert error is not None
        assert re.fullmatch(r"still runs after \d+ s; not started again", error)
    assert len(starts) == 1
    release.set()
    async with asyncio.timeout(30):
        while not (await registry.run()).healthy:
            await asyncio.sleep(0.001)
    assert len(starts) >= 2


async def test_a_check_that_will_not_be_cancelled_does_not_pile_up() -> None:
    """The same for a coroutine that swallows its cancellation."""
    registry = HealthRegistry()
    release = asyncio.Event()
    starts: list[int] = []

    async def stubborn() -> None:
        starts.append(1)
        while not release.is_set():
            with suppress(asyncio.CancelledError):
                await release.wait()

    registry.add("stubborn", stubborn, timeout=timedelta(milliseconds=10))
    errors = [(await registry.run()).checks[0].error for _ in range(3)]
    assert errors[0] == "no answer within 0.01 s"
    assert all(re.fullmatch(r"still runs after \d+ s; not started again", error or "") for error in errors[1:])
    assert len(starts) == 1
    release.set()
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        while not (await registry.run()).healthy:
            await asyncio.sleep(0.001)


async def test_who_asks_meanwhile_gets_the_same_answer() -> None:
    """A flood of probes runs a check once, and one that gives up takes nobody else's answer away."""
    registry = HealthRegistry()
    go_on = asyncio.Event()
    starts: list[int] = []

    async def slow() -> None:
        starts.append(1)
        await go_on.wait()

    registry.add("slow", slow, timeout=timedelta(seconds=30))
    asking = [asyncio.create_task(registry.run()) for _ in range(50)]
    while not starts:
        await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    go_on.set()
    reports = await asyncio.gather(*asking[1:])
    assert all(report.healthy for report in reports)
    assert len(starts) == 1


async def test_an_answer_holds_as_long_as_the_check_says() -> None:
    """A check with a cache runs again only when its answer is too old; failures are kept alike."""
    registry = HealthRegistry()
    starts: list[str] = []

    def counted(name: str, *, fails: bool) -> Callable[[], Awaitable[None]]:
        async def check() -> None:
            starts.append(name)
            if fails:
                raise HealthCheckError("away")

        return check

    registry.add("kept", counted("kept", fails=False), cache=timedelta(hours=1))
    registry.add("kept failure", counted("kept failure", fails=True), cache=timedelta(hours=1))
    registry.add("asked", counted("asked", fails=False))
    first, second = await registry.run(), await registry.run()
    assert sorted(starts) == ["asked", "asked", "kept", "kept failure"]
    assert [check.age > timedelta(0) for check in first.checks] == [False, False, False]
    assert [check.age > timedelta(0) for check in second.checks] == [True, True, False]
    assert [check.error for check in second.checks] == [None, "away", None]


async def test_what_is_not_critical_degrades() -> None:
    """The report tells of it, and stays healthy."""
    registry = HealthRegistry()

    async def fails() -> None:
        raise HealthCheckError("cold")

    registry.add("cache", fails, critical=False)
    registry.add("fine", passes)
    report = await registry.run()
    assert (report.healthy, report.degraded) == (True, True)
    assert [(check.name, check.critical) for check in report.failing] == [("cache", False)]
    registry.add("database", fails)
    report = await registry.run()
    assert (report.healthy, report.degraded) == (False, False)


async def test_a_start_passes_once() -> None:
    """Once everything has started, starting is over; before that, it is asked again."""
    registry = HealthRegistry()
    outcomes = [HealthCheckError("loading"), None]
    starts: list[int] = []

    async def loaded() -> None:
        starts.append(1)
        if (error := outcomes.pop(0)) is not None:
            raise error

    registry.add("model", loaded, kind="startup")
    assert not (await registry.run("startup")).healthy
    assert (await registry.run("startup")).healthy
    later = await registry.run("startup")
    assert later.healthy
    assert later.checks[0].age > timedelta(0)
    assert len(starts) == 2


async def test_only_changes_are_logged() -> None:
    """A probe every second does not fill the log: it fails once and passes again once."""
    registry = HealthRegistry()
    failing = True

    async def changing() -> None:
        if failing:
            raise ConnectionError("postgres://user@host")

    registry.add("database", changing)
    with capture_logs() as lines:
        for _ in range(3):
            await registry.run()
        failing = False
        for _ in range(3):
            await registry.run()
    assert [(line["event"], line["check"]) for line in lines] == [
        ("Health check failed", "database"),
        ("Health check passes again", "database"),
    ]
    assert "ConnectionError" in lines[0]["error"]


async def test_a_service_that_nobody_probes_can_watch_itself() -> None:
    """service_health_status is there without anybody asking."""
    metrics = MetricsCollector("orders")
    registry = HealthRegistry(metrics)
    registry.add("alive", passes, kind="liveness")
    registry.add("fine", passes)
    async with asyncio.timeout(30), registry.watched(timedelta(milliseconds=1)):
        while metric_value(metrics, "service_health_status", service="orders", check="fine") is None:
            await asyncio.sleep(0.001)
    assert metric_value(metrics, "service_health_status", service="orders", check="alive") == 1


def test_a_registry_survives_its_event_loop() -> None:
    """Tests and tools run checks in one loop after another; what was left over in the first does not disturb the second."""
    registry = HealthRegistry()
    registry.add("stuck", lambda: asyncio.sleep(3600), timeout=timedelta(milliseconds=5))
    registry.add("fine", passes)
    for _ in range(2):
        report = asyncio.run(registry.run())
        assert {check.name: check.healthy for check in report.checks} == {"stuck": False, "fine": True}


@pytest.mark.parametrize("option", ["timeout", "cache"])
def test_negative_times_are_refused(option: str) -> None:
    """They could only be a mistake."""
    with pytest.raises(MonitoringError, match="cannot be negative"):
        HealthRegistry().add("database", passes, **{option: timedelta(seconds=-1)})
