"""What a policy and those who approve say, and what the report makes of it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dependency_review import Relation
from dependency_review.policy import question_about
from dependency_review.workflow import ReviewRequest, ReviewResult, review_dependencies
from governance_service.approvals.domain import MAX_CONTEXT_BYTES
from maestro_workflow_engine import QueryNotFoundError, WorkflowEngine, WorkflowHandle

_LIMIT = timedelta(seconds=60)


@pytest.fixture
async def engine(documents: Any) -> AsyncIterator[WorkflowEngine]:
    async with WorkflowEngine("sqlite://", workflows=[review_dependencies, *documents]) as opened:
        yield opened


@pytest.fixture
def request_of(site: Any, tmp_path: Path) -> ReviewRequest:
    return ReviewRequest(paths=[str(site.folder)], output_dir=str(tmp_path / "report"))


def _by_license(**says: str) -> Any:
    """Answer by licence; what is not named is allowed."""

    def answer(question: dict[str, Any]) -> tuple[int, Any]:
        licenses = question["resource"]["attributes"]["licenses"]
        names = [name.replace("-", "_").replace(".", "_") for name in licenses]
        worst = next((says[name] for name in names if name in says), "allow")
        reasons = [] if worst == "allow" else [{"rule": worst, "text": f"{', '.join(licenses)}: {worst}"}]
        return 200, {
            "decision_id": "d",
            "decision": worst,
            "policy": question["policy"],
            "policy_version": 1,
            "reasons": reasons,
        }

    return answer


async def _waits(handle: WorkflowHandle[ReviewResult], eventually: Any) -> None:
    async def is_waiting() -> bool:
        try:
            progress: Any = await handle.query("progress")
        except QueryNotFoundError:
            return False
        return bool(progress["phase"] == "waiting for an approval")

    await eventually(is_waiting)


@pytest.fixture
def eventually() -> Any:
    """Wait for something that another task brings about."""

    async def wait(condition: Any) -> None:
        async with asyncio.timeout(30):
            while not await condition():
                await asyncio.sleep(0.02)

    return wait


@pytest.mark.parametrize(
    ("declared", "recognized", "confidence", "relation", "alternatives", "sure"),
    [
        ("MIT", "MIT", 0.7, Relation.EXACT, (("MIT",),), 1.0),
        ("MIT OR GPL-3.0-only", "MIT", 0.9, Relation.COMPATIBLE, (("GPL-3.0-only",), ("MIT",)), 1.0),
        ("MIT", None, None, Relation.UNRECOGNIZED, (("MIT",),), 0.9),
        ("MIT", "GPL-3.0-only", 0.99, Relation.DIFFERENT, (("GPL-3.0-only", "MIT"),), 0.5),
        (None, "ISC AND BSD-3-Clause", 0.876543, Relation.UNDECLARED, (("BSD-3-Clause", "ISC"),), 0.8765),
        (None, None, None, None, ((),), 0.0),
        (None, "no expression at all (", 0.9, Relation.UNDECLARED, ((),), 0.9),
    ],
)
def test_what_is_asked(
    declared: str | None,
    recognized: str | None,
    confidence: float | None,
    relation: Relation | None,
    alternatives: Any,
    sure: float,
) -> None:
    """A declaration that is borne out is sure, one that is contradicted is not; a choice is asked about in full."""
    question = question_about(declared, recognized, confidence, relation)

    assert (question.alternatives, question.confidence) == (alternatives, sure)


async def test_what_is_allowed_needs_nobody(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, governance: Any
) -> None:
    """Each distribution is asked about once, and the run does not wait."""
    site.install("one", "1.0", "License-Expression: MIT", files={"LICENSE": "MIT"})
    site.install("two", "1.0", files={"LICENSE": "ISC"})

    result = await (await engine.start(review_dependencies, request_of, id="run")).result(_LIMIT)

    assert result.policy is not None
    assert (result.policy.allowed, result.policy.needs_approval, result.policy.denied) == (2, 0, 0)
    assert result.policy.approval is None
    assert governance.approvals == []
    assert [question["resource"] for question in sorted(governance.questions, key=lambda q: q["resource"]["id"])] == [
        {"type": "Distribution", "id": "one 1.0", "attributes": {"licenses": ["MIT"], "confidence": 1.0}},
        {"type": "Distribution", "id": "two 1.0", "attributes": {"licenses": ["ISC"], "confidence": 0.97}},
    ]


async def test_the_best_alternative_counts(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, governance: Any
) -> None:
    """Where a licence is a choice, one alternative that is allowed is enough."""
    governance.answer = _by_license(GPL_3_0_only="deny", MPL_2_0="needs_approval")
    site.install("one", "1.0", "License-Expression: GPL-3.0-only OR MPL-2.0 OR MIT", files={"LICENSE": "MIT"})

    result = await (await engine.start(review_dependencies, request_of, id="run")).result(_LIMIT)

    assert result.policy is not None
    assert (result.policy.allowed, result.findings) == (1, 0)
    (review,) = json.loads(Path(result.report_json).read_text())["reviews"]  # noqa: ASYNC240 - a test waits for nobody
    assert review["policy"]["licenses"] == ["MIT"]


@pytest.mark.parametrize(("says", "findings"), [("approve", 1), ("reject", 2), ("expire", 2)])
async def test_those_who_approve_decide(
    engine: WorkflowEngine,
    site: Any,
    request_of: ReviewRequest,
    governance: Any,
    eventually: Any,
    says: str,
    findings: int,
) -> None:
    """One question for all that need it; the run waits for the answer; what is not approved is a finding."""
    governance.answer = _by_license(MPL_2_0="needs_approval", GPL_3_0_only="deny")
    site.install("free", "1.0", files={"LICENSE": "MIT"})
    site.install("weak", "1.0", files={"LICENSE": "MPL-2.0"})
    site.install("strong", "1.0", files={"LICENSE": "GPL-3.0-only"})
    handle = await engine.start(review_dependencies, request_of, id="run")
    await _waits(handle, eventually)

    await handle.signal("approval", {"approval_id": "run", "decision": says, "by": ["ada"], "comments": []})
    result = await handle.result(_LIMIT)

    (question,) = governance.approvals
    assert (question["id"], question["run_id"], question["signal"]) == ("run", "run", "approval")
    assert question["title"] == "May 1 distribution be used whose licences need an approval?"
    assert [entry["name"] for entry in question["context"]["distributions"]] == ["weak"]
    assert result.policy is not None
    assert result.policy.approval is not None
    assert (result.policy.approval.decision, result.policy.approval.by) == (says, ("ada",))
    assert result.findings == findings
    page = Path(result.report_html).read_text()  # noqa: ASYNC240 - as above
    assert f"<strong>{says}</strong> (ada)" in page


async def test_an_answer_that_cannot_be_read_allows_nothing(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, governance: Any, eventually: Any
) -> None:
    """Whoever may signal runs could send anything."""
    governance.answer = _by_license(MPL_2_0="needs_approval")
    site.install("weak", "1.0", files={"LICENSE": "MPL-2.0"})
    handle = await engine.start(review_dependencies, request_of, id="run")
    await _waits(handle, eventually)

    await handle.signal("approval", "yes, all of it")
    result = await handle.result(_LIMIT)

    assert result.policy is not None
    assert result.policy.approval is not None
    assert (result.policy.approval.decision, result.findings) == ("unanswered", 1)


async def test_nobody_answers_in_time(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, governance: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes on without an answer after its patience, and says so."""
    monkeypatch.setattr("dependency_review.asking._LATE", timedelta(0))
    governance.answer = _by_license(MPL_2_0="needs_approval")
    site.install("weak", "1.0", files={"LICENSE": "MPL-2.0"})

    request = request_of.model_copy(update={"approval_timeout_s": 0.1})
    result = await (await engine.start(review_dependencies, request, id="run")).result(_LIMIT)

    assert result.policy is not None
    assert result.policy.approval is not None
    assert result.policy.approval.decision == "unanswered"


async def test_a_policy_that_is_not_there_is_a_finding(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, governance: Any
) -> None:
    """The review itself stands; what could not be asked is named."""
    governance.answer = lambda _: (404, {"title": "Policy not found", "status": 404})
    site.install("one", "1.0", files={"LICENSE": "MIT"})

    result = await (await engine.start(review_dependencies, request_of, id="run")).result(_LIMIT)

    assert result.policy is not None
    assert (result.recognized, result.policy.unanswered, result.findings) == (1, 1, 1)


async def test_approvers_that_cannot_be_asked_are_a_finding(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, governance: Any
) -> None:
    """Nothing is allowed for want of somebody to ask."""
    governance.answer = _by_license(MPL_2_0="needs_approval")
    governance.take_approval = lambda _: 422
    site.install("weak", "1.0", files={"LICENSE": "MPL-2.0"})

    result = await (await engine.start(review_dependencies, request_of, id="run")).result(_LIMIT)

    assert result.policy is not None
    assert (result.policy.approval, result.findings) == (None, 2)


async def test_a_question_about_very_many_fits(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, governance: Any, eventually: Any
) -> None:
    """However many need an approval, the question stays below what governance-service takes, and says how many more."""
    governance.answer = _by_license(MPL_2_0="needs_approval")
    for number in range(300):
        site.install(f"a-distribution-with-a-long-name-{number:03}", "2026.11.1", files={"LICENSE": "MPL-2.0"})
    handle = await engine.start(review_dependencies, request_of, id="run")
    await _waits(handle, eventually)

    await handle.signal("approval", {"approval_id": "run", "decision": "approve", "by": ["ada"], "comments": []})
    await handle.result(_LIMIT)

    (question,) = governance.approvals
    assert len(json.dumps(question["context"]).encode()) <= MAX_CONTEXT_BYTES
    assert 0 < len(question["context"]["distributions"]) < 300
    assert len(question["context"]["distributions"]) + question["context"]["more"] == 300


async def test_a_question_that_is_cancelled_is_a_finding(
    engine: WorkflowEngine, site: Any, request_of: ReviewRequest, governance: Any
) -> None:
    """Somebody may cancel the asking; the report comes all the same, and nothing is allowed by it."""
    asked, released = threading.Event(), threading.Event()

    def slowly(question: dict[str, Any]) -> int:
        asked.set()
        released.wait(30)
        return 201

    governance.answer = _by_license(MPL_2_0="needs_approval")
    governance.take_approval = slowly
    site.install("weak", "1.0", files={"LICENSE": "MPL-2.0"})
    handle = await engine.start(review_dependencies, request_of, id="run")
    assert await asyncio.to_thread(asked.wait, 30)
    await engine.handle("run~approval").cancel()
    result = await handle.result(_LIMIT)
    released.set()

    assert result.policy is not None
    assert (result.policy.approval, result.findings) == (None, 2)
    assert "asking was cancelled" in Path(result.report_json).read_text()  # noqa: ASYNC240 - as above
