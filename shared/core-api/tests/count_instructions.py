"""Print how many bytecode instructions a request takes, bare and with everything on; `test_overhead.py` compares them.

A process of its own, because what other tests set up (receivers of spans, a log for people) would count as well.
"""

import asyncio
import io
import json
import sys
from types import FrameType
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from maestro_core_api import APIConfig, MaestroAPI, SecurityConfig, issue_token
from maestro_core_logging import configure_logging

REQUESTS = 20
SECRET = "a-secret-for-tests-of-at-least-32-bytes"
ASKED = [("GET", "/items/17", b""), ("POST", "/orders", b'{"name":"x","quantity":3}')]


class Order(BaseModel):
    name: str
    quantity: int


def with_routes(app: FastAPI) -> FastAPI:
    """Add the endpoints that are compared."""

    @app.get("/items/{number}")
    async def item(number: int) -> dict[str, int]:
        return {"number": number}

    @app.post("/orders")
    async def order(order: Order) -> Order:
        return order

    return app


def scope_of(method: str, path: str, body: bytes) -> dict[str, Any]:
    """Return the scope of a request."""
    token = issue_token(SECRET, subject="ada", roles=["viewer"])
    headers = [(b"host", b"127.0.0.1:8000"), (b"authorization", f"Bearer {token}".encode())]
    if body:
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": b"", "headers": headers, "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8_000), "scheme": "http", "root_path": "", "extensions": {},
    }  # fmt: skip


def instructions(app: FastAPI, scope: dict[str, Any], body: bytes) -> float:
    """Count the bytecode instructions of a request, everything in Python included."""
    count = 0
    statuses = []

    def in_frame(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "opcode"
        return in_frame

    def on_call(frame: FrameType, event: str, argument: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return in_frame

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def ask() -> None:
        for _ in range(REQUESTS):
            await app({**scope, "headers": list(scope["headers"]), "state": {}}, receive, send)

    async def measure() -> None:
        await ask()  # what is done once is done now
        sys.settrace(on_call)
        await ask()
        sys.settrace(None)

    asyncio.run(measure())
    if statuses != [200] * 2 * REQUESTS:
        raise SystemExit(f"answered {set(statuses)}")
    return count / REQUESTS


def main() -> None:
    """Count and print."""
    configure_logging("orders", "json", stream=io.StringIO())
    security = SecurityConfig(jwt_secret_key=SECRET)
    bare = with_routes(FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False}))
    full = with_routes(MaestroAPI(APIConfig(title="Orders", service_name="orders", security=security)))
    figures = {}
    for asked in ASKED:
        scope, body = scope_of(*asked), asked[2]
        figures[f"{asked[0]} {asked[1]}"] = [instructions(bare, scope, body), instructions(full, scope, body)]
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
