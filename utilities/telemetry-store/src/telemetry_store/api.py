"""Questions over HTTP: by id, service, text and time."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime

from maestro_core_api import Page, Paging, paging, platform_caller, require_role
from telemetry_store.config import TelemetryStoreConfig
from telemetry_store.errors import StorageError, StorageUnavailableException, TraceNotFoundException
from telemetry_store.storage import (
    LogFilter,
    TelemetryFile,
    TraceFilter,
    dependencies,
    loads,
    logs_of,
    logs_page,
    series,
    sizes,
    spans_of,
    traces_page,
)
from telemetry_store.views import (
    DependencyView,
    GraphView,
    Level,
    LoadView,
    LogView,
    SeriesView,
    SpanView,
    StatisticsView,
    TraceSummaryView,
    TraceView,
)

_MOST_OF_A_TRACE: Final = 20_000
_FARTHEST_NS: Final = 2**63 - 1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def _in_http_terms() -> AsyncIterator[None]:
    try:
        yield
    except StorageError as error:
        raise StorageUnavailableException(detail=error.reason) from error


async def _file(request: Request) -> TelemetryFile:
    file: TelemetryFile = request.state.file
    return file


async def _clock(request: Request) -> Callable[[], datetime]:
    clock: Callable[[], datetime] = request.state.clock
    return clock


TheFile = Annotated[TelemetryFile, Depends(_file)]
Clock = Annotated[Callable[[], datetime], Depends(_clock)]
TraceId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="32 lower-case hex digits.")]
Service = Annotated[str | None, Query(max_length=200, description="Name of a service.")]
Since = Annotated[AwareDatetime | None, Query(description="The earliest moment.")]
Until = Annotated[AwareDatetime | None, Query(description="The moment before which it must be.")]
Window = Annotated[float, Query(gt=0, le=604_800, description="How far to look back, in seconds.")]
TracePaging = Annotated[Paging[tuple[int, str]], Depends(paging(tuple[int, str], most=500))]
LogPaging = Annotated[Paging[tuple[int, int]], Depends(paging(tuple[int, int], most=1_000))]


router = APIRouter(
    tags=["telemetry"],
    dependencies=[Depends(_in_http_terms), Depends(require_role("viewer")), Depends(platform_caller)],
)


@router.get("/traces")
async def list_traces(
    file: TheFile,
    page: TracePaging,
    service: Service = None,
    name: Annotated[str | None, Query(max_length=200, description="Part of the first span's name.")] = None,
    since: Since = None,
    until: Until = None,
    min_duration_ms: Annotated[float, Query(ge=0, le=1e9)] = 0.0,
    failed: Annotated[bool | None, Query(description="With, or without, a span that failed.")] = None,
) -> Page[TraceSummaryView]:
    """List traces, the latest first."""
    wanted = TraceFilter(service, name, _ns(since), _ns(until), int(min_duration_ms * 1e6), failed)
    found = await file.read(lambda connection: traces_page(connection, wanted, page.after, page.fetch))
    shown = page.page(found, lambda summary: (summary.start_ns, summary.trace_id))
    return Page(items=[TraceSummaryView.of(summary) for summary in shown.items], next_cursor=shown.next_cursor)


@router.get("/traces/{trace_id}")
async def show_trace(trace_id: TraceId, file: TheFile) -> TraceView:
    """Show everything that carries a trace id; 404 when there is nothing, not or not any more."""
    most = _MOST_OF_A_TRACE
    spans = await file.read(lambda connection: spans_of(connection, trace_id, most + 1))
    records = await file.read(lambda connection: logs_of(connection, trace_id, most + 1))
    if not spans and not records:
        raise TraceNotFoundException(detail=trace_id)
    return TraceView(
        trace_id=trace_id,
        spans=[SpanView.of(span) for span in spans[:most]],
        logs=[LogView.of(record) for record in records[:most]],
        is_cut=len(spans) > most or len(records) > most,
    )


@router.get("/logs")
async def list_logs(
    file: TheFile,
    page: LogPaging,
    service: Service = None,
    level: Level = "debug",
    trace_id: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None,
    text: Annotated[str | None, Query(max_length=500, description="Words, or their beginnings.")] = None,
    since: Since = None,
    until: Until = None,
) -> Page[LogView]:
    """List log lines, the latest first."""
    wanted = LogFilter(service, level, trace_id, text, _ns(since), _ns(until))
    found = await file.read(lambda connection: logs_page(connection, wanted, page.after, page.fetch))
    shown = page.page(found, lambda entry: (entry[1].time_ns, entry[0]))
    return Page(items=[LogView.of(record) for _, record in shown.items], next_cursor=shown.next_cursor)


@router.get("/graph")
async def show_graph(file: TheFile, clock: Clock, window_s: Window = 900.0) -> GraphView:
    """Show which services answered how much, and who called whom."""
    since_ns = _ns(clock() - timedelta(seconds=window_s)) or 0
    answered = await file.read(lambda connection: loads(connection, since_ns))
    called = await file.read(lambda connection: dependencies(connection, since_ns))
    return GraphView(
        services=[LoadView.of(load) for load in answered],
        dependencies=[DependencyView.of(dependency) for dependency in called],
    )


@router.get("/series")
async def show_series(
    file: TheFile,
    clock: Clock,
    name: Annotated[str, Query(min_length=1, max_length=300)],
    service: Service = None,
    window_s: Window = 900.0,
    limit: Annotated[int, Query(ge=1, le=50_000)] = 5_000,
) -> list[SeriesView]:
    """Show a metric over time."""
    since_ns = _ns(clock() - timedelta(seconds=window_s)) or 0
    found = await file.read(lambda connection: series(connection, name, service, since_ns, limit))
    return [SeriesView.of(one) for one in found]


@router.get("/statistics")
async def show_statistics(request: Request, file: TheFile) -> StatisticsView:
    """Show how much is kept, and how much may be."""
    config: TelemetryStoreConfig = request.state.config
    kept = await file.read(sizes)
    return StatisticsView(
        spans=kept.spans,
        traces=kept.traces,
        logs=kept.logs,
        points=kept.points,
        used_bytes=kept.used_bytes,
        max_bytes=config.max_bytes,
        keep_s=config.keep_s,
    )


def _ns(when: datetime | None) -> int | None:
    if when is None:
        return None
    # Nothing that is kept lies beyond what a column holds.
    return max(-_FARTHEST_NS, min((when - _EPOCH) // timedelta(microseconds=1) * 1_000, _FARTHEST_NS))
