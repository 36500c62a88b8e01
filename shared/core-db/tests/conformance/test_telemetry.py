from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from notes import Folder, make_tables, run, store
from opentelemetry import trace
from sqlalchemy import text

from maestro_core_db import (
    ConstraintViolatedError,
    Database,
    DatabaseOptions,
    RetryPolicy,
    TransactionConflictError,
    parse_url,
)
from maestro_core_db.testing import TemporaryDatabase
from maestro_core_logging.testing import capture_logs
from maestro_core_monitoring import HealthRegistry, MetricsCollector
from maestro_core_monitoring.testing import CapturedSpans, metric_value

pytest_plugins = ["maestro_core_monitoring.testing.fixtures"]
SECRET = "hush-hush"


@pytest.fixture
def metrics() -> MetricsCollector:
    return MetricsCollector("notes")


@pytest.fixture
async def measured(temporary_database: TemporaryDatabase, metrics: MetricsCollector) -> AsyncIterator[Database]:
    async with Database.opened(temporary_database.url, metrics=metrics) as db:
        await make_tables(db)
        yield db


def value(metrics: MetricsCollector, db: Database, name: str, **labels: str) -> float:
    return metric_value(metrics, name, service="notes", system=db.kind, **labels) or 0.0


async def test_statements_and_units_of_work_are_counted(measured: Database, metrics: MetricsCollector) -> None:
    """Statements by their kind, units of work by their end, failures and repetitions by their code."""
    before = value(metrics, measured, "db_transactions_total", outcome="committed")
    await store(measured, Folder(name="a"), Folder(name="b"))
    async with measured.reading() as session:
        await session.execute(text("SELECT 1"))
    assert value(metrics, measured, "db_query_duration_seconds_count", operation="INSERT") >= 1
    assert value(metrics, measured, "db_query_duration_seconds_count", operation="SELECT") >= 1
    assert value(metrics, measured, "db_transactions_total", outcome="committed") == before + 1
    assert value(metrics, measured, "db_transactions_total", outcome="read") == 1
    assert value(metrics, measured, "db_transactions_total", outcome="rolled_back") == 0
    async with measured.transaction() as unfinished:
        unfinished.add(Folder(name="c"))
    assert value(metrics, measured, "db_transactions_total", outcome="rolled_back") == 1
    with pytest.raises(ConstraintViolatedError):
        await store(measured, Folder(name="a"))
    assert value(metrics, measured, "db_query_errors_total", error_code="CONSTRAINT_VIOLATED") == 1
    attempts = []

    async def work(session: object) -> None:
        attempts.append(session)
        if len(attempts) < 3:
            raise TransactionConflictError("not yet")

    await measured.retrying(work, policy=RetryPolicy(initial_delay=timedelta(0)))
    assert value(metrics, measured, "db_retries_total", error_code="TRANSACTION_CONFLICT") == 2


async def test_the_pool_is_shown(measured: Database, metrics: MetricsCollector) -> None:
    """Connections in use and idle ones, their limit, and how long they were waited for."""

    def shown(state: str) -> float:
        metrics.exposition()
        return value(metrics, measured, "db_pool_connections", state=state)

    assert value(metrics, measured, "db_pool_limit") == 10
    async with measured.reading() as one, measured.reading() as two:
        await one.execute(text("SELECT 1"))
        await two.execute(text("SELECT 1"))
        assert shown("in_use") == 2
    assert (shown("in_use"), shown("idle")) == (0, 2)
    assert value(metrics, measured, "db_pool_wait_seconds_count") >= 2


async def test_health_is_published(measured: Database, metrics: MetricsCollector) -> None:
    """The check is one of readiness; what it finds is a metric."""
    health = HealthRegistry(metrics)
    health.add("database", measured.check, timeout=timedelta(seconds=30))
    assert (await health.run()).healthy
    assert value(metrics, measured, "db_up") == 1


async def test_statements_are_spans_without_values(measured: Database, captured_spans: CapturedSpans) -> None:
    """A statement is a span with its kind, table and text; neither parameters nor values written into it are there."""
    captured_spans.clear()
    with trace.get_tracer("test").start_as_current_span("work"):
        await store(measured, Folder(name=SECRET))
        await run(measured, f"UPDATE folders SET name = '{SECRET}-2' WHERE name = '{SECRET}' OR id = 4711")
        with pytest.raises(ConstraintViolatedError):
            await run(measured, f"INSERT INTO folders (name) VALUES ('{SECRET}-2')")
    insert, failed = captured_spans.named("INSERT folders")
    update = captured_spans.one("UPDATE folders")
    assert insert.attributes["db.system.name"] == measured.kind
    assert (insert.attributes["db.operation.name"], insert.attributes["db.collection.name"]) == ("INSERT", "folders")
    assert update.attributes["db.query.text"] == "UPDATE folders SET name = ? WHERE name = ? OR id = ?"
    assert (failed.status, failed.attributes["error.type"]) == ("error", "CONSTRAINT_VIOLATED")
    assert SECRET not in str([(span.name, span.attributes, span.events) for span in captured_spans])


async def test_what_belongs_to_no_work_is_no_span(measured: Database, captured_spans: CapturedSpans) -> None:
    """What a service looks for by itself, again and again, would drown the traces of what somebody asked for."""
    captured_spans.clear()
    await store(measured, Folder(name="alone"))
    assert list(captured_spans) == []


async def test_slow_statements_are_logged_without_values(
    temporary_database: TemporaryDatabase, metrics: MetricsCollector
) -> None:
    """A statement beyond the limit is a warning with its time and masked text, and is counted; zero turns it off."""
    options = DatabaseOptions(url=parse_url(temporary_database.url), slow_query=timedelta(microseconds=1))
    with capture_logs() as lines:
        async with Database.opened(options, metrics=metrics) as db:
            await make_tables(db)
            await store(db, Folder(name=SECRET))
            await run(db, f"UPDATE folders SET name = 'a' WHERE name = '{SECRET}'")
            assert value(metrics, db, "db_slow_queries_total") > 0
    slow = [line for line in lines if line["event"] == "A statement was slow"]
    update = next(line for line in slow if line["operation"] == "UPDATE")
    assert (update["table"], update["statement"]) == ("folders", "UPDATE folders SET name = ? WHERE name = ?")
    assert update["duration_ms"] >= 0
    assert SECRET not in str(lines)
    with capture_logs() as lines:
        async with Database.opened(replace(options, slow_query=timedelta(0))) as db:
            await run(db, "SELECT 1")
    assert lines == []
