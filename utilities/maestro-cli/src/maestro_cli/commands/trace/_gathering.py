"""Asking everybody who may have kept something of a trace."""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from maestro_cli._errors import MaestroCliError
from maestro_cli.client import open_orchestrator, open_service
from maestro_cli.local import GOVERNANCE, TELEMETRY, Home, load_state, lock_holder
from maestro_core_api import APIException

from ._entries import GATEWAY, Entry, log_entry, span_entry

_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_PLACED: Final = frozenset({"timestamp", "level", "event", "service", "logger", "environment", "version"})


async def trace_id_of(home: Home, given: str) -> str:
    """Tell which trace is meant.

    Args:
        home: The environment's folder.
        given: Its id, or the id of a run.

    Returns:
        The trace's id.

    Raises:
        MaestroCliError: There is no such run, or it was started outside of any trace.
    """
    if _TRACE_ID.fullmatch(given):
        return given
    async with open_orchestrator(home, None, None) as client:
        run = await client.run(given)
    if not run.get("trace_id"):
        raise MaestroCliError(f"run {given} was started outside of any trace")
    return str(run["trace_id"])


async def gather(home: Home, trace_id: str) -> tuple[list[Entry], list[str]]:
    """Collect what carries a trace's id.

    Args:
        home: The environment's folder.
        trace_id: The trace.

    Returns:
        The entries, in no order, and what is missing among them, for a person.
    """
    runs = load_state(home) if lock_holder(home) is not None else None
    missing: list[str] = []
    asked = []
    for service, ask in ((TELEMETRY, _from_store), (GOVERNANCE, _from_audit)):
        if runs is None or runs.service(service) is None:
            missing.append(f"{service} does not run")
        else:
            asked.append((service, ask(home, trace_id)))
    found: list[Entry] = []
    for (service, _), answer in zip(
        asked, await asyncio.gather(*(work for _, work in asked), return_exceptions=True), strict=True
    ):
        if isinstance(answer, MaestroCliError):
            missing.append(f"{service}: {answer.message}")
        elif isinstance(answer, BaseException):
            raise answer
        else:
            entries, is_cut = answer
            found += entries
            if is_cut:
                missing.append(f"{service} shows the first spans and log lines only; there are more")
    known = {(entry.time, entry.service, entry.what) for entry in found if entry.kind == "log"}
    found += [
        entry for entry in _from_files(home.logs, trace_id) if (entry.time, entry.service, entry.what) not in known
    ]
    return found, missing


async def _from_store(home: Home, trace_id: str) -> tuple[list[Entry], bool]:
    async with open_service(home, TELEMETRY) as client:
        try:
            trace: dict[str, Any] = (await client.get(f"/traces/{trace_id}")).json()
        except APIException as error:
            if error.status_code == HTTPStatus.NOT_FOUND:
                return [], False
            raise
    return [*map(span_entry, trace["spans"]), *map(log_entry, trace["logs"])], trace["is_cut"]


async def _from_audit(home: Home, trace_id: str) -> tuple[list[Entry], bool]:
    found: list[Entry] = []
    query: dict[str, str] = {"trace_id": trace_id}
    async with open_service(home, GOVERNANCE) as client:
        while True:
            page: dict[str, Any] = (await client.get("/audit/entries", params=query)).json()
            found += [_audit_entry(entry) for entry in page["items"]]
            if not page.get("next_cursor"):
                return found, False
            query = {"trace_id": trace_id, "cursor": page["next_cursor"]}


def _audit_entry(entry: dict[str, Any]) -> Entry:
    return Entry(
        time=datetime.fromisoformat(entry["occurred_at"]),
        kind="audit",
        service=entry["service"],
        what=f"{entry['actor']} {entry['action']} {entry['resource']}".strip(),
        failed=entry["outcome"] != "success",
        details=entry,
    )


def _from_files(folder: Path, trace_id: str) -> Iterator[Entry]:
    """Look through the logs themselves: they have what never reached the store, or left it again."""
    for path in sorted(
        [*folder.glob("*.log"), *folder.glob("*.log.1")]
    ):  # the latter: what has been moved out of the way
        with path.open("rb") as lines:
            for line in lines:
                if (
                    trace_id.encode() in line
                    and (entry := _logged(line, path.name.partition(".log")[0], trace_id)) is not None
                ):
                    yield entry


def _logged(line: bytes, service: str, trace_id: str) -> Entry | None:
    try:
        record = json.loads(line)
        time = datetime.fromisoformat(record["timestamp"])
    except (ValueError, KeyError, TypeError):
        return None
    if record.get("trace_id") != trace_id:
        return None
    service = str(record.get("service", service))
    return Entry(
        time=time,
        kind="gateway" if service in GATEWAY else "log",
        service=service,
        what=str(record.get("event", "")),
        span_id=record.get("span_id"),
        failed=record.get("level") in {"error", "critical"},
        details={"level": record.get("level")} | {key: value for key, value in record.items() if key not in _PLACED},
    )
