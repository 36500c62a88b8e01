"""The endpoints for those who run a service, under `/ops`; all of them want the role `admin`."""

import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

from fastapi import APIRouter, Depends, Header
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from maestro_core_monitoring import HealthKind

from ._access import is_public, require_role
from ._exceptions import NotFoundException
from ._log_levels import change_level, current_levels, reset_level
from ._system_routes import rendered_checks
from ._task_report import report_tasks

if TYPE_CHECKING:
    from ._app import MaestroAPI

OPS_PREFIX: Final = "/ops"
_ROOT: Final = "root"
_PACKAGES: Final = (
    "maestro-core-api", "maestro-core-config", "maestro-core-logging", "maestro-core-monitoring", "maestro-workflow-engine",
    "fastapi", "starlette", "pydantic", "granian", "uvloop",
)  # fmt: skip


class LevelChange(BaseModel):
    """A level for a logger."""

    model_config = ConfigDict(extra="forbid")

    level: str = Field(description="DEBUG, INFO, WARNING, ERROR or CRITICAL; case does not matter.")
    for_s: float | None = Field(
        default=None,
        gt=0,
        le=31 * 24 * 3600,
        description="How long it holds, a month at most; without it until it is changed again.",
    )


def ops_router(app: "MaestroAPI") -> APIRouter:
    """Make the endpoints of a service.

    Args:
        app: The service.

    Returns:
        The router, to be included.
    """
    router = APIRouter(prefix=OPS_PREFIX, tags=["operations"], dependencies=[Depends(require_role("admin"))])
    started_at = time.time()

    @router.get("/info", summary="What runs here, and since when")
    async def info() -> dict[str, Any]:
        config, worker = app.config, app.worker
        return {
            "service": config.service_name,
            "version": config.version,
            "environment": config.environment,
            "url": app.bound_url,
            "pid": os.getpid(),
            "worker": None if worker is None else worker.number,
            "workers": config.workers,
            "started_at": datetime.fromtimestamp(started_at, UTC).isoformat(timespec="seconds"),
            "uptime_s": round(time.time() - started_at, 1),
            "requests_in_flight": len(app.in_flight),
            "draining": app.is_draining,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "packages": {name: found for name in _PACKAGES if (found := _version(name)) is not None},
        }

    @router.get("/loggers", summary="The levels of the log")
    async def loggers() -> dict[str, Any]:
        return {"levels": {name or _ROOT: level for name, level in current_levels().items()}, "pid": os.getpid()}

    @router.put("/loggers/{name}", summary="Change a logger's level, in the process that answers")
    async def set_level(name: str, change: LevelChange) -> dict[str, Any]:
        for_ = None if change.for_s is None else timedelta(seconds=change.for_s)
        change_level(_logger(name), change.level, for_)
        app.logger.warning("A log level was changed", target=name, level_now=change.level, for_s=change.for_s)
        return await loggers()

    @router.delete("/loggers/{name}", summary="Take a logger's level back to the configured one")
    async def unset_level(name: str) -> dict[str, Any]:
        reset_level(_logger(name))
        app.logger.warning("A log level was taken back", target=name)
        return await loggers()

    @router.get("/config", summary="Where each setting's value comes from; secrets are masked")
    async def config() -> dict[str, Any]:
        if app.settings is None:
            raise NotFoundException(
                "The settings are not known",
                detail="give the ConfigManager to the application: MaestroAPI(config, settings=manager)",
                error_code="SETTINGS_UNKNOWN",
            )
        return {"settings": [_setting(explained) for explained in app.settings.explain()]}

    @router.get("/routes", summary="Every route, in the order in which they are tried")
    async def routes() -> dict[str, Any]:
        return {"routes": [_route(context) for context in iter_route_contexts(app.routes)]}

    @router.get("/health", summary="Every health check, of every kind")
    async def health() -> dict[str, Any]:
        reports = [await app.health.run(kind) for kind in get_args(HealthKind)]
        return {report.kind: {"healthy": report.healthy, "checks": rendered_checks(report)} for report in reports}

    @router.get("/metrics", summary="The metrics, as /metrics has them")
    async def metrics(accept: Annotated[str | None, Header()] = None) -> Response:
        body, content_type = app.metrics.render(accept)
        return Response(body, media_type=content_type)

    @router.get("/tasks", summary="What the event loop is busy with")
    async def tasks() -> dict[str, Any]:
        return report_tasks()

    return router


def _logger(name: str) -> str | None:
    return None if name == _ROOT else name


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _setting(explained: Any) -> dict[str, Any]:
    overridden = [{"source": source, "value": value} for source, value in explained.overridden]
    return {"name": explained.name, "value": explained.value, "source": explained.source, "overridden": overridden}


def _route(context: Any) -> dict[str, Any]:
    endpoint: Callable[..., Any] | None = context.endpoint
    return {
        "path": context.path_format or context.path,
        "methods": sorted(context.methods or ()),
        "name": context.name,
        "kind": type(context.original_route).__name__,
        "endpoint": None if endpoint is None else _named(endpoint),
        "public": is_public(endpoint),
    }


def _named(endpoint: Callable[..., Any]) -> str:
    name = getattr(endpoint, "__qualname__", type(endpoint).__qualname__)
    return f"{getattr(endpoint, '__module__', '?')}.{name}"
