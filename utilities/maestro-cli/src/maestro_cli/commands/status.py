"""`maestro status`: what runs."""

import asyncio
from datetime import timedelta
from typing import Any, Final

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import EXIT_NOT_RUNNING, NotRunningError
from maestro_cli.local import (
    EnvironmentState,
    Home,
    ReadinessProbe,
    ServicePhase,
    ServiceState,
    load_state,
    lock_holder,
    resident_bytes,
)

from ._options import json_option

_PATIENCE: Final = timedelta(seconds=2)


@click.command(short_help="Show what runs.")
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Show the services: state, process, address, uptime, restarts, memory.

    Ends with exit code 3 when nothing runs.
    """
    home: Home = ctx.obj
    if lock_holder(home) is None:
        why = _why_not(home)
        if as_json:
            render.print_json({"running": False, "home": str(home.root), "reason": why, "services": []})
            ctx.exit(EXIT_NOT_RUNNING)
        raise NotRunningError(home.root, why)
    show_status(home, as_json=as_json)


def show_status(home: Home, *, as_json: bool) -> None:
    """Print what runs.

    Args:
        home: The environment's folder; a supervisor runs in it.
        as_json: Print JSON instead of a table.

    Raises:
        NotRunningError: It has stopped meanwhile.
    """
    now = load_state(home)
    if now is None:
        raise NotRunningError(home.root, "it is starting or stopping")
    report = asyncio.run(_report(now))
    if as_json:
        render.print_json(report)
        return
    rows = [
        (
            service["name"],
            render.state(service["state"]),
            service["pid"],
            service["url"],
            render.duration(_seconds(service["uptime_s"])),
            service["restarts"],
            render.size(service["memory_bytes"]),
        )
        for service in report["services"]
    ]
    columns = ("SERVICE", "STATE", "PID", "URL", "UPTIME", "RESTARTS", "MEMORY")
    console = render.out()
    console.print(render.table(columns, rows, right=("PID", "UPTIME", "RESTARTS", "MEMORY")))
    console.print(
        f"\n{home.root}: {report['phase']}, supervisor {report['supervisor_pid']}, "
        f"{render.size(report['memory_bytes'])} in all",
        markup=False,
        soft_wrap=True,
    )


async def _report(now: EnvironmentState) -> dict[str, Any]:
    services = await asyncio.gather(*(_service_report(service) for service in now.services))
    return {
        "running": True,
        "phase": now.phase.value,
        "home": str(now.home),
        "supervisor_pid": now.supervisor_pid,
        "started_at": now.started_at.isoformat(),
        "memory_bytes": resident_bytes(now.supervisor_pid),  # everything below it included
        "services": services,
    }


async def _service_report(service: ServiceState) -> dict[str, Any]:
    phase = service.phase.value
    if service.phase is ServicePhase.READY and not await ReadinessProbe(service.asked_url, _PATIENCE).is_ready():
        phase = "unhealthy"
    uptime = render.since(service.started_at) if service.pid is not None else None
    return {
        "name": service.name,
        "state": phase,
        "pid": service.pid,
        "url": service.url,
        "started_at": service.started_at.isoformat() if service.started_at else None,
        "uptime_s": None if uptime is None else round(uptime.total_seconds(), 1),
        "restarts": service.restarts,
        "last_exit": service.last_exit,
        "memory_bytes": None if service.pid is None else resident_bytes(service.pid),
        "log_file": str(service.log_file),
    }


def _why_not(home: Home) -> str | None:
    last = load_state(home)
    if last is None:
        return None
    if last.failure is not None:
        return f"the last start failed: {last.failure.message}"
    return "its supervisor was killed"


def _seconds(count: float | None) -> timedelta | None:
    return None if count is None else timedelta(seconds=count)
