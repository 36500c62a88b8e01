"""An environment to put distributions into, and a stand-in for intelligence-service."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dependency_review import license_approval_document, license_policy_document, license_review_document
from dependency_review.workflow import compare_licenses, read_license_texts
from maestro_workflow_engine.dsl import HttpCallError, HttpRequest, HttpResponse, HttpxCaller, Steps, load_document

Answer = Callable[[dict[str, Any]], tuple[int, Any]]


@dataclass
class Site:
    """A site-packages folder."""

    folder: Path

    def install(self, name: str, version: str, *headers: str, files: dict[str, str | bytes] | None = None) -> Path:
        """Write a dist-info folder; returns it."""
        folder = self.folder / f"{name}-{version}.dist-info"
        folder.mkdir(parents=True)
        lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *headers]
        (folder / "METADATA").write_text("\n".join(lines) + "\n\nA README.\n", encoding="utf-8")
        for path, content in (files or {}).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder


@pytest.fixture
def site(tmp_path: Path) -> Site:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    return Site(folder)


def recognize(request: dict[str, Any]) -> tuple[int, Any]:
    """Answer as intelligence-service does: the text's first line is taken for its licence."""
    texts = request["input"]["texts"]
    expression = " AND ".join(sorted({text["text"].partition("\n")[0] for text in texts}))
    return 200, {
        "persona": request["persona"],
        "persona_version": "1.0.0",
        "result": {"expression": expression, "ids": [expression], "notes": ["a note"], "texts": []},
        "confidence": 0.97,
        "evidence": [{"kind": "passage", "text": texts[0]["name"], "id": expression, "similarity": 0.97}],
        "method": "recognizer",
        "model": None,
        "cached": False,
        "duration_ms": 3,
    }


@dataclass
class Intelligence:
    """A server that answers `POST /analyze`."""

    url: str = ""
    answer: Answer = recognize
    requests: list[dict[str, Any]] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, request: dict[str, Any]) -> tuple[int, Any]:
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return self.answer(request)
        finally:
            with self._lock:
                self._at_once -= 1


@pytest.fixture
def intelligence() -> Iterator[Intelligence]:
    service = Intelligence()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/analyze"
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, answer = service.handle(body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):  # the engine was closed while it waited
                self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield service
    server.shutdown()
    thread.join()
    server.server_close()


def allow(question: dict[str, Any]) -> tuple[int, Any]:
    """Answer as governance-service does when a policy has nothing against it."""
    return 200, decision("allow", question)


def decision(says: str, question: dict[str, Any], *reasons: str) -> dict[str, Any]:
    """Make an answer of governance-service."""
    return {
        "decision_id": f"d-{question['resource']['id']}",
        "decision": says,
        "policy": question["policy"],
        "policy_version": 3,
        "reasons": [{"rule": reason, "text": f"because of {reason}"} for reason in reasons],
        "dry_run": False,
    }


@dataclass
class Governance:
    """Answers for governance-service, which is tried with this package by the tests of the whole ecosystem."""

    answer: Answer = allow
    questions: list[dict[str, Any]] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    take_approval: Callable[[dict[str, Any]], int] = lambda _: 201
    """Says the status with which a question is answered."""

    def handle(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/approvals":
            self.approvals.append(body)
            return self.take_approval(body), {"id": body["id"], "status": "open"}
        assert path == "/decisions"
        self.questions.append(body)
        return self.answer(body)


@dataclass
class Services:
    """An HTTP caller that knows where the services are, as the registry would tell."""

    intelligence: Intelligence
    governance: Governance
    http: HttpxCaller = field(default_factory=HttpxCaller)

    async def call(self, request: HttpRequest) -> HttpResponse:
        service, _, path = request.url.removeprefix("service://").partition("/")
        if service == "governance-service":
            status, answer = await asyncio.to_thread(self.governance.handle, f"/{path}", json.loads(request.content))
            return HttpResponse(status, {"content-type": "application/json"}, json.dumps(answer).encode())
        if service != "intelligence-service":
            raise HttpCallError(f"{request.url} is not known here")
        url = f"{self.intelligence.url}/{path}"
        return await self.http.call(HttpRequest(request.method, url, request.headers, request.content))


@pytest.fixture
def governance() -> Governance:
    return Governance()


@pytest.fixture
def services(intelligence: Intelligence, governance: Governance) -> Services:
    return Services(intelligence, governance)


@pytest.fixture
def documents(services: Services) -> list[Any]:
    """The workflows that come as documents."""
    steps = Steps([read_license_texts, compare_licenses], services)
    texts = (license_review_document(), license_policy_document(), license_approval_document())
    return [load_document(text).as_workflow(steps) for text in texts]
