"""`python -m benchmarks.core_api.in_process KIND REQUEST COUNT`: so many requests without a server, for instruction counts."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop
from benchmarks.core_api.apps import BUILDERS
from benchmarks.core_api.requests import BODY, TOKEN

_PATHS = {"read": ("GET", "/items/17", b""), "write": ("POST", "/orders", BODY)}


def scope(method: str, path: str, body: bytes) -> dict[str, Any]:
    """Return the scope of a request as granian makes it."""
    headers = [(b"host", b"127.0.0.1:8000"), (b"authorization", b"Bearer " + TOKEN.encode())]
    if body:
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": b"", "headers": headers, "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8_000), "scheme": "http", "root_path": "", "state": {}, "extensions": {},
    }  # fmt: skip


async def ask(app: Any, request: str, count: int) -> None:
    """Ask so many times, each in a task of its own, as a server does."""
    method, path, body = _PATHS[request]
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    for _ in range(count):
        await asyncio.create_task(app(scope(method, path, body), receive, send))
    if statuses != [200] * count:
        raise SystemExit(f"answered {set(statuses)} instead of 200")


def main() -> None:
    """Build the application and ask."""
    kind, request, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    app = BUILDERS[kind]()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(ask(app, request, count))


if __name__ == "__main__":
    main()
