"""Three-step runs through the orchestrator's HTTP interface: from the first POST to the end of the last run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.engine._figures import Row, median, quantile
from benchmarks.engine._http_load import Answer, drive, request
from benchmarks.engine._workload import AT_ONCE, STEPS
from benchmarks.engine.ours._orchestrator import Orchestrator, serving

_WORKFLOW = "python/three_steps"
_MODULE = "benchmarks.engine.peers.maestro"
_WINDOWS = 3
_LOOK_EVERY_S = 0.005


async def measure(folder: Path, *, runs: int) -> dict[str, Any]:
    """Start that many runs in each of three windows, 100 requests at a time, and wait until the last has ended.

    The service is a process of its own with its defaults, so with its journal on the disk, authentication, access log,
    metrics and spans. This process only sends requests.

    Returns:
        `runs`; `runs_per_s`, the median of the windows, with `windows`; `start_p50_ms` and `start_p99_ms`, what a start
        took with 100 of them under way; `client_cpu_s_per_run`, what the load generator itself took.
    """
    async with serving(folder, workflow_module=_MODULE) as service:
        return await asyncio.to_thread(_measure, service, runs)


def _measure(service: Orchestrator, runs: int) -> dict[str, Any]:
    _window(service, range(min(500, runs)))
    rates: list[float] = []
    taken: list[float] = []
    cpu = time.thread_time()
    for first in range(runs, (_WINDOWS + 1) * runs, runs):
        rate, starts = _window(service, range(first, first + runs))
        rates.append(rate)
        taken += [answer.took_s * 1000 for answer in starts]
    cpu = time.thread_time() - cpu
    _check_outputs(service, {*range(min(500, runs)), *range(runs, (_WINDOWS + 1) * runs)})
    return {
        "runs": runs,
        "runs_per_s": median(rates),
        "windows": rates,
        "start_p50_ms": quantile(taken, 0.50),
        "start_p99_ms": quantile(taken, 0.99),
        "client_cpu_s_per_run": cpu / (_WINDOWS * runs),
    }


def _window(service: Orchestrator, numbers: range) -> tuple[float, list[Answer]]:
    starts = [request("POST", "/runs", service.token, {"workflow": _WORKFLOW, "input": n}) for n in numbers]
    look = request("GET", "/runs?status=running&limit=1", service.token)
    begun = time.perf_counter()
    answers = drive(service.port, starts, at_once=AT_ONCE)
    while _checked(drive(service.port, [look]), 200)[0].json()["runs"]:
        time.sleep(_LOOK_EVERY_S)
    ended = time.perf_counter()
    return len(numbers) / (ended - begun), _checked(answers, 202)


def _check_outputs(service: Orchestrator, numbers: set[int]) -> None:
    """Look at every run, one by one, once nothing is measured any more."""
    ids = [run["id"] for page in _pages(service) for run in page]
    looks = (request("GET", f"/runs/{run_id}", service.token) for run_id in ids)
    found = [answer.json() for answer in _checked(drive(service.port, looks, at_once=AT_ONCE), 200)]
    for run in found:
        if run["status"] != "completed" or run["output"] != run["input"] + STEPS:
            raise AssertionError(f"run {run['id']} of {run['input']} is {run['status']} and gave {run['output']}")
    if len(found) != len(numbers) or {run["input"] for run in found} != numbers:
        raise AssertionError(f"{len(numbers)} runs were started and {len(found)} are there")


def _pages(service: Orchestrator) -> Iterator[list[dict[str, Any]]]:
    path: str | None = "/runs?limit=1000"
    while path:
        page = _checked(drive(service.port, [request("GET", path, service.token)]), 200)[0].json()
        yield page["runs"]
        path = page["next_cursor"] and f"/runs?limit=1000&cursor={quote(page['next_cursor'])}"


def _checked(answers: list[Answer], status: int) -> list[Answer]:
    for answer in answers:
        if answer.status != status:
            raise AssertionError(f"the orchestrator answered {answer.status}: {answer.body.decode()}")
    return answers


def rows(figures: dict[str, Any]) -> list[Row]:
    """Tell the figures."""
    rate = figures["runs_per_s"]
    windows = figures["windows"]
    return [
        Row(
            "3-step runs/s through the HTTP interface, from the first start to the last end",
            f"{rate:,.0f} ({min(windows):,.0f} to {max(windows):,.0f})",
            "≥ 1,000",
            rate >= 1_000,
        ),
        Row(
            "… a start, 100 of them at a time, p50 and p99",
            f"{figures['start_p50_ms']:.0f} and {figures['start_p99_ms']:.0f} ms",
        ),
    ]
