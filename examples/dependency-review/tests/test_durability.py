from __future__ import annotations

import asyncio
import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from opentelemetry import trace

from dependency_review import license_review_document
from dependency_review.workflow import ReviewRequest, compare_licenses, read_license_texts, review_dependencies
from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import Steps, load_document


def _engine(url: str, services: Any) -> WorkflowEngine:
    steps = Steps([read_license_texts, compare_licenses], services)
    document = load_document(license_review_document()).as_workflow(steps)
    return WorkflowEngine(url, workflows=[review_dependencies, document])


async def _until_completed(engine: WorkflowEngine, run_id: str) -> None:
    async for event in engine.watch(run_id):
        if event.type == "run_completed":
            return


async def test_restart_goes_on_where_it_was(site: Any, services: Any, intelligence: Any, tmp_path: Path) -> None:
    """A review that is interrupted and taken up again asks nothing twice that was answered, and lists each once."""
    asked, released, usual = threading.Event(), threading.Event(), intelligence.answer

    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        if "late" in str(request) and not released.is_set():
            asked.set()
            released.wait(30)
        return usual(request)  # type: ignore[no-any-return]  # the fixture is untyped here

    intelligence.answer = answer
    for name in ("early-1", "early-2", "late"):
        site.install(name, "1.0", "License-Expression: MIT", files={"LICENSE": f"MIT\n{name}"})
    url = f"sqlite:///{tmp_path}/runs.db"
    request = ReviewRequest(paths=[str(site.folder)], output_dir=str(tmp_path / "report"), policy=None)
    async with _engine(url, services) as engine:
        await engine.start(review_dependencies, request, id="run")
        assert await asyncio.to_thread(asked.wait, 30)
        for name in ("early-1", "early-2"):
            await asyncio.wait_for(_until_completed(engine, f"run.{name}-1.0"), 30)
    released.set()
    async with _engine(url, services) as engine:
        result: dict[str, Any] = await engine.handle("run").result(timedelta(seconds=30))
    assert (result["distributions"], result["matched"], result["failed"]) == (3, 3, 0)
    asked_for = [request["input"]["texts"][0]["text"].partition("\n")[2] for request in intelligence.requests]
    assert sorted(asked_for) == ["early-1", "early-2", "late", "late"]
    reviews = json.loads(Path(result["report_json"]).read_text(encoding="utf-8"))["reviews"]  # noqa: ASYNC240  a test waits for nobody
    assert [review["name"] for review in reviews] == ["early-1", "early-2", "late"]


async def test_report_names_the_trace_of_whoever_started_it(site: Any, services: Any, tmp_path: Path) -> None:
    """The trace id in the report is that of the request that started the run."""
    site.install("one", "1.0", files={"LICENSE": "MIT"})
    context = trace.SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=trace.TraceFlags(1))
    request = ReviewRequest(paths=[str(site.folder)], output_dir=str(tmp_path / "report"), policy=None)
    async with _engine("sqlite://", services) as engine:
        with trace.use_span(trace.NonRecordingSpan(context)):
            handle = await engine.start(review_dependencies, request)
        result = await handle.result(timedelta(seconds=30))
    report = json.loads(Path(result.report_json).read_text(encoding="utf-8"))  # noqa: ASYNC240  a test waits for nobody
    assert report["trace_id"] == f"{0xABC:032x}"
