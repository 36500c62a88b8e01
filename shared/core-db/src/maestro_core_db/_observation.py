"""Watches every statement: times it, traces it, logs it when it is slow, and says its errors in this package's words."""

import time
from datetime import timedelta
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine, ExceptionContext

from maestro_core_logging import get_logger

from ._backend import Backend
from ._errors import DatabaseError
from ._metrics import DatabaseMetrics
from ._statement import StatementSummary, summary
from ._url import DatabaseUrl

_logger = get_logger(__name__)
_WATCHED: Final = "maestro_watched"


class Observation:
    """Watches the statements of one engine.

    Args:
        backend: Knows what the driver's errors mean.
        url: The database.
        metrics: Where statements are counted; nowhere when None.
        slow_query: Statements that take longer are logged; zero for none.
    """

    def __init__(
        self, backend: Backend, url: DatabaseUrl, *, metrics: DatabaseMetrics | None, slow_query: timedelta
    ) -> None:
        self._backend = backend
        self._place = str(url)
        self._metrics = metrics
        self._slow_s = slow_query.total_seconds() or float("inf")
        self._tracer = trace.get_tracer("maestro_core_db")
        self._attributes: dict[str, str | int] = {"db.system.name": url.kind}
        if url.kind == "postgresql":
            self._attributes["db.namespace"] = url.url.database or ""
            self._attributes["server.address"] = url.url.host or "localhost"
            self._attributes["server.port"] = url.url.port or 5432

    def attach(self, engine: Engine) -> None:
        """Begin to watch.

        Args:
            engine: The engine.
        """
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)
        event.listen(engine, "handle_error", self._failed)

    def _before(
        self, connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        # A statement is a part of some work. What a service does by itself, again and again, would be a trace of its own each time.
        span: Span = trace.INVALID_SPAN
        if trace.get_current_span().is_recording():
            span = self._tracer.start_span(summary(statement).name, kind=SpanKind.CLIENT)
        connection.info[_WATCHED] = (time.perf_counter(), span)

    def _after(
        self, connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        self._ended(connection, statement, None)

    def _failed(self, context: ExceptionContext) -> DatabaseError | None:
        original = context.original_exception
        error = self._backend.translated(original, self._place)
        if context.is_pre_ping:
            return None
        if context.connection is not None and context.statement is not None:
            self._ended(context.connection, context.statement, error or original)
        if self._metrics is not None:
            self._metrics.count_error(error.code if error is not None else DatabaseError.code)
        return error

    def _ended(self, connection: Connection, statement: str, error: BaseException | None) -> None:
        watched: tuple[float, Span] | None = connection.info.pop(_WATCHED, None)
        if watched is None:
            return
        began, span = watched
        duration_s = time.perf_counter() - began
        told = summary(statement)
        if span.is_recording():
            self._describe(span, told, error)
        span.end()
        if self._metrics is not None:
            self._metrics.observe_query(told.operation, duration_s)
        if duration_s > self._slow_s:
            self._tell_slow(told, duration_s)

    def _describe(self, span: Span, told: StatementSummary, error: BaseException | None) -> None:
        span.set_attributes(self._attributes)
        span.set_attribute("db.operation.name", told.operation)
        span.set_attribute("db.query.text", told.text)
        if told.table is not None:
            span.set_attribute("db.collection.name", told.table)
        if error is not None:
            code = error.code if isinstance(error, DatabaseError) else type(error).__name__
            span.set_attribute("error.type", code)
            # Without the message: the driver's may repeat a row's values.
            span.set_status(Status(StatusCode.ERROR, code))

    def _tell_slow(self, told: StatementSummary, duration_s: float) -> None:
        if self._metrics is not None:
            self._metrics.count_slow()
        _logger.warning(
            "A statement was slow",
            duration_ms=round(duration_s * 1_000),
            operation=told.operation,
            table=told.table,
            statement=told.text,
            database=self._place,
        )
