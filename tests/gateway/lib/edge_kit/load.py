"""Steady load on a gateway, and what came of it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2


@dataclass
class Load:
    """What a load has seen so far."""

    answers: Counter[int] = field(default_factory=Counter)
    """Status → how often; 0 for requests that got no answer."""
    failures: list[str] = field(default_factory=list)
    """What was not as it should be."""
    bodies: Counter[str] = field(default_factory=Counter)
    """Body → how often."""

    @property
    def count(self) -> int:
        return self.answers.total()


@asynccontextmanager
async def steady_load(
    url: str,
    path: str,
    *,
    callers: int = 8,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    right: Callable[[httpx2.Response], bool] = lambda answer: answer.status_code == 200,
    each: float = 0.0,
) -> AsyncIterator[Load]:
    """Keep asking while the block runs; each caller has a connection of its own, which it keeps."""
    load = Load()
    over = asyncio.Event()

    async def call() -> None:
        async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
            while not over.is_set():
                await _once(client, load, path, method=method, headers=headers, right=right)
                await asyncio.sleep(each)

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(call())
        try:
            yield load
        finally:
            over.set()


async def _once(client: httpx2.AsyncClient, load: Load, path: str, *, right: Any, **options: Any) -> None:
    try:
        answer = await client.request(options.pop("method"), path, **options)
    except httpx2.HTTPError as error:
        load.answers[0] += 1
        load.failures.append(f"{type(error).__name__}: {error}")
        return
    load.answers[answer.status_code] += 1
    load.bodies[answer.text[:64]] += 1
    if not right(answer):
        load.failures.append(f"{answer.status_code} {answer.text[:300]}")
