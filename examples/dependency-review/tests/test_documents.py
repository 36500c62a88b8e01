from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from dependency_review import LICENSE_REVIEW, license_review_document
from dependency_review.workflow import compare_licenses, read_license_texts
from maestro_workflow_engine import WorkflowEngine, WorkflowFailedError
from maestro_workflow_engine.dsl import DocumentError, Steps, load_document


@pytest.fixture
async def engine(services: Any) -> AsyncIterator[WorkflowEngine]:
    document = load_document(license_review_document())
    workflow = document.as_workflow(Steps([read_license_texts, compare_licenses], services))
    async with WorkflowEngine("sqlite://", workflows=[workflow]) as opened:
        yield opened


def test_document_says_what_it_is() -> None:
    """The document loads without a fault, under the name that the workflow calls it by, in the current DSL."""
    document = load_document(license_review_document())
    assert document.qualified_name == LICENSE_REVIEW
    assert (document.version, document.dsl) == ("1.0.0", "1.0.3")
    assert {call.name for call in document.calls()} == {"read_license_texts", "compare_licenses"}


def test_missing_steps_are_named() -> None:
    """Where the steps are not registered the document is refused, and both are named."""
    with pytest.raises(DocumentError) as caught:
        load_document(license_review_document()).as_workflow(Steps())
    assert {name for name in ("read_license_texts", "compare_licenses") if name in str(caught.value)} == {
        "read_license_texts",
        "compare_licenses",
    }


@pytest.mark.parametrize("member", ["license", "expression"])
async def test_review_of_one_distribution(engine: WorkflowEngine, site: Any, intelligence: Any, member: str) -> None:
    """One review gives licence, confidence, method, evidence, notes of both sides, texts and comparison."""
    intelligence.answer = lambda _: (
        200,
        {
            "result": {member: "MIT", "notes": ["recognised"]},
            "confidence": 0.9,
            "evidence": [{"id": "MIT"}],
            "method": "m",
        },
    )
    folder = site.install("one", "1.0", "License-File: GONE", files={"LICENSE": "a text"})
    handle = await engine.start(
        LICENSE_REVIEW, {"name": "one", "version": "1.0", "metadata_path": str(folder), "declared": "MIT AND ISC"}
    )
    assert await handle.result(timedelta(seconds=30)) == {
        "license": "MIT",
        "confidence": 0.9,
        "method": "m",
        "model": None,
        "evidence": [{"id": "MIT"}],
        "notes": ["License-File 'GONE' is missing", "recognised"],
        "texts": [{"name": "LICENSE", "characters": 6}],
        "comparison": {"relation": "partial", "explanation": "no text of ISC was recognised"},
    }
    assert intelligence.requests == [
        {"persona": "license-analyst", "input": {"texts": [{"name": "LICENSE", "text": "a text"}]}}
    ]


async def test_evidence_is_bounded(engine: WorkflowEngine, site: Any, intelligence: Any) -> None:
    """However much evidence comes back, fifty pieces are kept."""
    intelligence.answer = lambda _: (200, {"result": {}, "evidence": [{"number": n} for n in range(80)]})
    folder = site.install("one", "1.0", files={"LICENSE": "a text"})
    handle = await engine.start(LICENSE_REVIEW, {"name": "one", "version": "1.0", "metadata_path": str(folder)})
    result = await handle.result(timedelta(seconds=30))
    assert len(result["evidence"]) == 50
    assert result["license"] is None


@pytest.mark.parametrize("given", [None, {}, {"name": "x", "version": "1", "metadata_path": 7}])
async def test_wrong_input_is_told(engine: WorkflowEngine, given: Any) -> None:
    """Input that is no distribution fails the review with what is wrong."""
    handle = await engine.start(LICENSE_REVIEW, given)
    with pytest.raises(WorkflowFailedError, match="does not fit its schema"):
        await handle.result(timedelta(seconds=30))


async def test_path_that_is_no_distribution_is_told(engine: WorkflowEngine, site: Any) -> None:
    """A distribution that has gone since the inventory fails its review with the path."""
    path = str(site.folder / "gone-1.0.dist-info")
    handle = await engine.start(LICENSE_REVIEW, {"name": "gone", "version": "1.0", "metadata_path": path})
    with pytest.raises(WorkflowFailedError, match=r"gone-1\.0\.dist-info is no installed distribution"):
        await handle.result(timedelta(seconds=30))
