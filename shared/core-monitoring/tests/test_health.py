import asyncio
from datetime import timedelta

import pytest

from maestro_core_monitoring import HealthCheckError, HealthRegistry, MetricsCollector, MonitoringError


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
