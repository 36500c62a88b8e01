from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dependency_review import Distribution, take_inventory
from dependency_review.workflow import (
    ReviewRequest,
    ReviewResult,
    review_dependencies,
    review_run_id,
)
from maestro_workflow_engine import PayloadError, RunStatus, WorkflowEngine, WorkflowFailedError

_NAME = "examples/dependency-review"
_LIMIT = timedelta(seconds=60)


@pytest.fixture
async def engine(documents: Any) -> AsyncIterator[WorkflowEngine]:
    async with WorkflowEngine("sqlite://", workflows=[review_dependencies, *documents]) as opened:
        yield opened


@pytest.fixture
def request_of(site: Any, tmp_path: Path) -> ReviewRequest:
    return ReviewRequest(paths=[str(site.folder)], output_dir=str(tmp_path / "report"), policy=None)


async def _run(engine: WorkflowEngine, request: ReviewRequest) -> ReviewResult:
    handle = await engine.start(review_dependencies, request, id="run")
    return await handle.result(_LIMIT)


def _report(result: ReviewResult) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(_text(result.report_json))
    return report


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


async def test_every_distribution_is_reviewed_once(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, intelligence: Any
) -> None:
    """Each distribution gets one durable review; the figures, the report and the histories agree."""
    for name, declared, text in (
        ("one", "MIT", "MIT"), ("two", "MIT OR Apache-2.0", "MIT"), ("three", "ISC", "MIT"), ("four", None, "ISC"),
    ):  # fmt: skip
        headers = [f"License-Expression: {declared}"] if declared else []
        site.install(name, "1.0", *headers, files={"licenses/LICENSE": f"{text}\nthe text of {name}"})
    result = await _run(engine, request_of)
    assert (result.distributions, result.recognized, result.declared, result.compared) == (4, 4, 3, 3)
    assert (result.matched, result.compatible, result.failed, result.findings) == (1, 1, 0, 0)
    assert result.match_rate == 0.3333
    assert [(m.name, m.declared, m.recognized, m.relation) for m in result.mismatches] == [
        ("three", "ISC", "MIT", "different")
    ]
    assert [(entry.license, entry.count) for entry in result.by_license] == [("MIT", 3), ("ISC", 1)]
    assert result.duration_s >= 0

    report = _report(result)
    assert [review["name"] for review in report["reviews"]] == ["four", "one", "three", "two"]
    assert report["run_id"] == "run"
    one = report["reviews"][1]
    assert (one["license"], one["confidence"], one["method"], one["relation"]) == ("MIT", 0.97, "recognizer", "exact")
    assert one["texts"] == [{"name": "licenses/LICENSE", "characters": 19}]
    assert one["evidence"][0]["text"] == "licenses/LICENSE"
    assert one["notes"] == ["a note"]
    assert "<title>Dependency review run</title>" in _text(result.report_html)

    history = await engine.handle("run").history()
    children = sorted(event.data["run_id"] for event in history if event.type == "child_completed")
    assert children == ["run.four-1.0", "run.one-1.0", "run.three-1.0", "run.two-1.0"]
    page = await engine.runs(parent="run")
    assert {(run.id, run.status) for run in page.runs} == {(child, RunStatus.COMPLETED) for child in children}
    assert {request["persona"] for request in intelligence.requests} == {"license-analyst"}
    assert len(intelligence.requests) == 4
    assert await engine.handle("run").query("progress") == {
        "phase": "writing the report", "done": 4, "total": 4, "failed": 0,
    }  # fmt: skip


async def test_texts_are_kept_where_they_are_needed(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest
) -> None:
    """A licence text is journalled as it was read and as it was sent, and not at all in the parent's history."""
    site.install("one", "1.0", files={"LICENSE": "MIT\nan unmistakable sentence"})
    await _run(engine, request_of)

    async def mentions(run_id: str) -> int:
        events = await engine.handle(run_id).history()
        return sum(json.dumps(event.data).count("an unmistakable sentence") for event in events)

    assert await mentions("run.one-1.0") == 2
    assert await mentions("run") == 0


async def test_distribution_without_text_is_left_open(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, intelligence: Any
) -> None:
    """Where there is no text nobody is asked, and the distribution is a finding and no mismatch."""
    site.install("bare", "1.0", "License-Expression: MIT")
    result = await _run(engine, request_of)
    assert intelligence.requests == []
    assert (result.no_text, result.compared, result.match_rate, result.mismatches) == (1, 0, None, ())
    report = _report(result)
    assert (report["reviews"][0]["status"], report["reviews"][0]["method"]) == ("no-text", "none")
    assert [(finding["kind"], finding["subject"]) for finding in report["findings"]] == [("no-text", "bare")]


async def test_unrecognized_text_is_a_mismatch(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, intelligence: Any
) -> None:
    """A text in which no licence is recognised counts against the match rate when a licence is declared."""
    intelligence.answer = lambda _: (200, {"result": {"license": None, "findings": []}, "confidence": 0})
    site.install("odd", "1.0", "License-Expression: MIT", files={"LICENSE": "do what you like"})
    result = await _run(engine, request_of)
    assert (result.compared, result.matched, result.match_rate) == (1, 0, 0.0)
    assert [mismatch.relation for mismatch in result.mismatches] == ["unrecognized"]
    assert _report(result)["reviews"][0]["confidence"] is None


@pytest.mark.parametrize("status", [503, 429, 500])
async def test_busy_service_is_asked_again(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, intelligence: Any, status: int
) -> None:
    """A service that cannot answer at the moment is asked again, and the review completes."""
    usual, answers = intelligence.answer, iter([status])
    intelligence.answer = lambda request: (code, {}) if (code := next(answers, None)) else usual(request)
    site.install("one", "1.0", files={"LICENSE": "MIT"})
    result = await _run(engine, request_of)
    assert (result.recognized, result.failed) == (1, 0)
    assert len(intelligence.requests) == 2


async def test_failed_review_is_a_finding(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, intelligence: Any
) -> None:
    """An answer that asking again would not change fails that review alone; the report names the reason."""
    usual = intelligence.answer
    intelligence.answer = lambda request: (
        (404, {"detail": "there is no such persona"}) if "refuse" in str(request) else usual(request)
    )
    site.install("good", "1.0", "License-Expression: MIT", files={"LICENSE": "MIT"})
    site.install("refused", "1.0", "License-Expression: MIT", files={"LICENSE": "refuse"})
    result = await _run(engine, request_of)
    assert (result.distributions, result.failed, result.compared, result.matched) == (2, 1, 1, 1)
    assert len(intelligence.requests) == 2
    report = _report(result)
    (finding,) = report["findings"]
    assert (finding["kind"], finding["subject"]) == ("review-failed", "refused")
    assert "answered 404" in finding["detail"]
    assert "there is no such persona" in finding["detail"]
    assert report["reviews"][1]["error"] == finding["detail"]
    history = await engine.handle("run").history()
    assert [event.data["run_id"] for event in history if event.type == "child_failed"] == ["run.refused-1.0"]


async def test_answer_of_another_shape_is_a_finding(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, intelligence: Any
) -> None:
    """An answer that is no licence analysis fails the review instead of the report."""
    intelligence.answer = lambda _: (200, {"result": {"license": ["MIT"]}, "confidence": 7})
    site.install("one", "1.0", files={"LICENSE": "MIT"})
    assert (await _run(engine, request_of)).failed == 1


async def test_cancelled_review_is_a_finding(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, intelligence: Any
) -> None:
    """Somebody may cancel one review; the others and the report go on without it."""
    asked, released, usual = threading.Event(), threading.Event(), intelligence.answer

    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        if "slow" in str(request):
            asked.set()
            released.wait(30)
        return usual(request)  # type: ignore[no-any-return]  # the fixture is untyped here

    intelligence.answer = answer
    site.install("quick", "1.0", files={"LICENSE": "MIT"})
    site.install("slow", "1.0", files={"LICENSE": "slow"})
    handle = await engine.start(review_dependencies, request_of, id="run")
    assert await asyncio.to_thread(asked.wait, 30)
    await engine.handle("run.slow-1.0").cancel()
    result = await handle.result(_LIMIT)
    released.set()
    assert (result.distributions, result.recognized, result.failed) == (2, 1, 1)
    assert _report(result)["findings"][0]["detail"] == "the review was cancelled"


async def test_reviews_run_side_by_side_within_the_limit(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, intelligence: Any
) -> None:
    """As many reviews run at once as the request allows, and no more."""
    together, usual = threading.Barrier(3), intelligence.answer

    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        together.wait(30)  # nobody gets an answer before three have asked
        return usual(request)  # type: ignore[no-any-return]  # the fixture is untyped here

    intelligence.answer = answer
    for number in range(9):
        site.install(f"project-{number}", "1.0", files={"LICENSE": f"MIT\n{number}"})
    result = await _run(engine, request_of.model_copy(update={"concurrency": 3}))
    assert result.recognized == 9
    assert intelligence.most_at_once == 3


@pytest.mark.parametrize("given", [None, {}])
async def test_input_may_be_empty(
    engine: WorkflowEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Any
) -> None:
    """Without input the environment of the process is reviewed, and the report goes to .maestro/reports."""
    monkeypatch.chdir(tmp_path)
    handle = await engine.start(_NAME, given, id="by-name")
    result = await handle.result(_LIMIT)
    assert result["distributions"] == len(take_inventory().distributions)
    assert result["failed"] == 0
    assert Path(result["report_json"]) == tmp_path / ".maestro" / "reports" / "by-name" / "dependency-review.json"
    assert "</html>" in _text(result["report_html"])


async def test_limit_takes_the_first_by_name(engine: WorkflowEngine, site: Any, request_of: ReviewRequest) -> None:
    """A limited review looks at the first distributions by name."""
    for name in ("c", "a", "b"):
        site.install(name, "1.0", files={"LICENSE": "MIT"})
    result = await _run(engine, request_of.model_copy(update={"limit": 2}))
    assert [review["name"] for review in _report(result)["reviews"]] == ["a", "b"]


@pytest.mark.parametrize(
    "given", [{"concurrency": 0}, {"limit": 0}, {"paths": []}, {"paths": "x"}, {"output_dir": ""}, {"cocurrency": 1}, 7]
)
async def test_wrong_input_is_refused_at_the_start(engine: WorkflowEngine, given: Any) -> None:
    """Input that does not fit is refused before there is a run."""
    with pytest.raises(PayloadError, match=_NAME):
        await engine.start(_NAME, given, id="wrong")
    assert (await engine.runs()).runs == []


async def test_environment_that_is_not_there_fails_the_run(engine: WorkflowEngine, tmp_path: Path) -> None:
    """A mistyped folder fails the run with a message that names it."""
    handle = await engine.start(review_dependencies, ReviewRequest(paths=[str(tmp_path / "typo")]))
    with pytest.raises(WorkflowFailedError, match="typo"):
        await handle.result(_LIMIT)


async def test_report_that_cannot_be_written_fails_the_run(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, tmp_path: Path
) -> None:
    """When the report's folder cannot be made the run fails with the path and the reason; no review is lost."""
    site.install("one", "1.0", files={"LICENSE": "MIT"})
    (tmp_path / "taken").write_text("a file")
    request = request_of.model_copy(update={"output_dir": str(tmp_path / "taken")})
    with pytest.raises(WorkflowFailedError, match=r"the report cannot be written to .*taken"):
        await _run(engine, request)
    assert (await engine.handle("run.one-1.0").status()).status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    ("name", "version", "plain"),
    [("Some.Project", "1.0", True), ("x", "1.0+cpu", False), ("x", "1/0", False), ("n" * 300, "1", False)],
)
async def test_review_ids_are_run_ids(engine: WorkflowEngine, name: str, version: str, plain: bool) -> None:
    """Whatever a distribution calls itself, its review has an id that the engine takes."""
    distribution = Distribution(name=name, version=version, metadata_path="")
    review_id = review_run_id("run", distribution)
    handle = await engine.start("examples/license-review", None, id=review_id)
    assert handle.id == review_id
    assert (review_id == f"run.{distribution.key}-{version}") is plain
    with pytest.raises(WorkflowFailedError):
        await handle.result(_LIMIT)


def test_review_ids_stay_apart() -> None:
    """Names that look alike after tidying up still have ids of their own."""
    ids = {
        review_run_id("run", Distribution(name="x", version=text, metadata_path="")) for text in ("1+a", "1/a", "1_a")
    }
    assert len(ids) == 3
