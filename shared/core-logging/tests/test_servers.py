"""Real servers and libraries, started the way their users start them: every line of stdout is ours."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

APP = """
import asyncio
from concurrent.futures import ThreadPoolExecutor

import anyio.to_thread
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from maestro_core_logging import carry_context, configure_logging, get_logger, log_context

configure_logging("shop", "json")
logger = get_logger("shop")
pool = ThreadPoolExecutor(1)


def sync_endpoint(request):  # Starlette runs it in a thread
    logger.info("in sync endpoint")
    return PlainTextResponse("ok")


async def async_endpoint(request):
    await asyncio.gather(*(asyncio.create_task(asyncio.to_thread(logger.info, "in to_thread")) for _ in range(2)))
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(pool, logger.info, "in executor, alone")
    await loop.run_in_executor(pool, carry_context(logger.info), "in executor, carried")
    return PlainTextResponse("ok")


inner = Starlette(routes=[Route("/sync", sync_endpoint), Route("/async", async_endpoint)])


async def app(scope, receive, send):
    if scope["type"] != "http":
        return await inner(scope, receive, send)
    with log_context(request_id=f"{scope['path']}?{scope['query_string'].decode()}"):
        await inner(scope, receive, send)
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(folder: Path, *command: str) -> Iterator[tuple[str, Any]]:
    """Run a server until its first answer; yields its address and a function that stops it and returns its lines."""
    (folder / "shop_app.py").write_text(APP)
    port = free_port()
    log = folder / "out.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "--port", str(port)],
            cwd=folder, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": str(folder)},
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def stop() -> list[dict[str, Any]]:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        return [json.loads(line) for line in log.read_text().splitlines()]

    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                fetch(f"{url}/sync?ready")
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield url, stop
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def check_context(lines: list[dict[str, Any]]) -> None:
    ours = [
        (line["event"], line.get("request_id"))
        for line in lines
        if line["logger"] == "shop" and line.get("request_id") != "/sync?ready"
    ]
    assert sorted(ours, key=str) == sorted(
        [
            ("in sync endpoint", "/sync?1"),
            ("in to_thread", "/async?2"),
            ("in to_thread", "/async?2"),
            ("in executor, alone", None),
            ("in executor, carried", "/async?2"),
        ],
        key=str,
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_uvicorn_from_its_command_line(tmp_path: Path, workers: str) -> None:
    """Its own records and its access log are lines; context reaches sync endpoints and threads, in each worker."""
    with serving(tmp_path, "uvicorn", "shop_app:app", "--workers", workers, "--log-level", "info") as (url, stop):
        fetch(f"{url}/sync?1")
        fetch(f"{url}/async?2")
        try:
            lines = stop()
        except json.JSONDecodeError:  # uvicorn's supervisor of workers never imports the application
            assert workers == "2"
            text = (tmp_path / "out.log").read_text().splitlines()
            assert all(line.startswith(("{", "INFO:")) for line in text), text
            lines = [json.loads(line) for line in text if line.startswith("{")]
    check_context(lines)
    access = [line["event"] for line in lines if line["logger"] == "uvicorn.access"]
    assert any('"GET /sync?1 HTTP/1.1" 200' in event for event in access)
    assert any(line["logger"] == "uvicorn.error" for line in lines)


def test_granian_from_its_command_line(tmp_path: Path) -> None:
    """Its workers' records are lines; what its supervisor prints before there is an application stays its own."""
    command = ("granian", "shop_app:app", "--interface", "asgi", "--access-log")
    with serving(tmp_path, *command) as (url, stop):
        fetch(f"{url}/sync?1")
        fetch(f"{url}/async?2")
        try:
            lines = stop()
        except json.JSONDecodeError:
            text = (tmp_path / "out.log").read_text().splitlines()
            assert all(line.startswith(("{", "[INFO]")) for line in text), text
            lines = [json.loads(line) for line in text if line.startswith("{")]
    check_context(lines)
    assert any("/sync" in line["event"] for line in lines if line["logger"] == "granian.access")


SQL = """
import warnings
from maestro_core_logging import configure_logging, get_logger, log_context, set_log_level
configure_logging("shop", "json")
from sqlalchemy import create_engine, text

def ask(engine):
    with log_context(request_id="r-17"), engine.connect() as connection:
        connection.execute(text("select :password"), {"password": "hunter2"})

engine = create_engine("sqlite://", echo=ECHO, echo_pool=ECHO, hide_parameters=True)
ask(engine)
if not ECHO:
    set_log_level("INFO", "sqlalchemy.engine")
    ask(engine)
"""


@pytest.mark.parametrize("echo", [False, True])
def test_sqlalchemy_s_statements_are_lines(echo: bool) -> None:
    """With `echo=True`, and by raising the level while running; each statement once, with its request."""
    done = subprocess.run(
        [sys.executable, "-c", SQL.replace("ECHO", str(echo))], text=True, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    statements = [line for line in lines if line["event"] == "select ?"]
    assert [line["request_id"] for line in statements] == ["r-17"]
    assert statements[0]["logger"].startswith("sqlalchemy.engine")


async def test_a_task_group_and_its_threads_keep_their_requests_apart(lines: Any) -> None:
    """Many at a time, with what each started."""
    from maestro_core_logging import get_logger, log_context

    async def handle(number: int) -> None:
        with log_context(request_id=number):
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(asyncio.to_thread(get_logger().info, "x", number=number))

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(handle(number))
    found = [line for line in lines.json() if line["event"] == "x"]
    assert len(found) == 60
    assert all(line["request_id"] == line["number"] for line in found)
