"""Real servers for calls to talk to, and the engine to make the calls."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from maestro_workflow_engine import WorkflowEngine, WorkflowFailedError
from maestro_workflow_engine.dsl import FixedSecrets, HttpxCaller, Steps, TaskError, WorkflowDocument, load_document

LIMIT = timedelta(seconds=60)
HEAD = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"


@dataclass(frozen=True)
class Ran:
    """What came of a run."""

    output: Any
    error: TaskError | None
    history: str
    """Everything that was kept of the run, as JSON."""


async def run_on_engine(
    document: WorkflowDocument, payload: Any, resolver: Steps, url: str = "sqlite://", others: Any = ()
) -> Ran:
    async with WorkflowEngine(url, workflows=[document.as_workflow(resolver), *others]) as engine:
        handle = await engine.start(document.qualified_name, payload)
        output, error = None, None
        try:
            output = await handle.result(timeout=LIMIT)
        except WorkflowFailedError as failed:
            error = TaskError((failed.failure.args or [{}])[0])
        status = await handle.status()
        kept = [event.data for event in await handle.history()]
        return Ran(output, error, json.dumps([kept, repr(status)], default=repr))


@pytest.fixture
def run() -> Callable[..., Ran]:
    """Run a document on the engine; gives output or error, and what was kept."""

    def run(source: str, payload: Any = None, *, others: Any = (), **options: Any) -> Ran:
        document = load_document(source if re.search("^document:", source, re.MULTILINE) else HEAD + source)
        secrets = options.pop("secrets", None)
        resolver = Steps(secrets=FixedSecrets(secrets or {}), **options)
        return asyncio.run(run_on_engine(document, payload, resolver, others=others))

    return run


@pytest.fixture
def fails(run: Callable[..., Ran]) -> Callable[..., dict[str, Any]]:
    """Run a document that fails; gives the error's members, its type by the last part."""

    def fails(source: str, payload: Any = None, **options: Any) -> dict[str, Any]:
        ran = run(source, payload, **options)
        assert ran.error is not None, ran.output
        error = ran.error.error.as_dict()
        return {**error, "type": error["type"].rpartition("/")[2]}

    return fails


class Server(uvicorn.Server):
    """A server in a thread."""

    def __init__(self, app: Any) -> None:
        super().__init__(
            uvicorn.Config(app, log_level="critical", ws="none", lifespan="auto", timeout_graceful_shutdown=1)
        )
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.run, args=([self.socket],))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Serve ASGI applications over real HTTP; gives the address."""
    servers: list[Server] = []

    def serve(app: Any) -> str:
        server = Server(app)
        servers.append(server)
        url = server.url
        server.thread.start()
        return url

    yield serve
    for server in servers:
        server.should_exit = True
        server.thread.join(20)
        assert not server.thread.is_alive()


@dataclass
class Asked:
    """A request as a server saw it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        from urllib.parse import parse_qsl

        return dict(parse_qsl(self.body.decode()))


@dataclass
class Site:
    """A web site that answers by path and remembers what it was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    """JSON to answer with, a Response, or a function of the request that gives one of them."""
    asked: list[Asked] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        body = await request.body()
        raw = scope["raw_path"].decode().partition("?")[0]
        asked = Asked(request.method, raw, scope["query_string"].decode(), dict(request.headers), body)
        self.asked.append(asked)
        answer = self.answers.get(raw)
        if callable(answer) and not isinstance(answer, Response):
            answer = answer(asked)
        if answer is None:
            answer = JSONResponse({"missing": raw}, 404)
        if not isinstance(answer, Response):
            answer = JSONResponse(answer)
        await answer(scope, receive, send)


@pytest.fixture
def site() -> Site:
    """A web site without a page."""
    return Site()


class ToLocal(httpx2.AsyncHTTPTransport):
    """Carries requests for any host to one server on this machine."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._to = httpx2.URL(url)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(scheme="http", host=self._to.host, port=self._to.port)
        return await super().handle_async_request(request)


@pytest.fixture
def world(site: Site, serve: Callable[[Any], str]) -> HttpxCaller:
    """A caller for which the whole world is the site."""
    return HttpxCaller(transport=ToLocal(serve(site)))


@pytest.fixture
def example_text(conformance_data: Path) -> Callable[[str], str]:
    """Read one of the specification's examples."""
    return lambda name: (conformance_data / "examples" / f"{name}.yaml").read_text(encoding="utf-8")
