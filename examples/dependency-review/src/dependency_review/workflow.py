"""The main job as a durable workflow: inventory, one review per distribution, policy, approval, report."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dependency_review.asking import ask_for_approval, ask_policy, needs_approval
from dependency_review.documents import LICENSE_REVIEW
from dependency_review.findings import Finding, FindingKind
from dependency_review.inventory import Distribution
from dependency_review.policy import ApprovalAnswer, Decision, summarize_policy
from dependency_review.report import Report
from dependency_review.reviews import Review, ReviewOutcome, ReviewStatus, Summary, summarize
from dependency_review.steps import compare_licenses, read_license_texts, take_inventory, write_report
from maestro_workflow_engine import WorkflowCancelledError, WorkflowFailedError, info, now, publish, run_child, workflow

__all__ = [
    "ReviewRequest",
    "ReviewResult",
    "compare_licenses",
    "read_license_texts",
    "review_dependencies",
    "take_inventory",
    "write_report",
]

_NOT_IN_RUN_IDS = re.compile(r"[^A-Za-z0-9._~-]")
_LONGEST_RUN_ID = 200


class ReviewRequest(BaseModel):
    """What to review. Everything has a default, so that the input may be empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    paths: Annotated[list[str], Field(min_length=1)] | None = None
    """Site-packages folders or virtual environments. Default: the import path of the process that runs the review."""
    output_dir: Annotated[str, Field(min_length=1)] | None = None
    """The report's folder. Default: `.maestro/reports/<run id>` under that process's working directory."""
    concurrency: int = Field(default=16, ge=1, le=1_000)
    """How many reviews run at once. Default 16."""
    limit: int | None = Field(default=None, ge=1)
    """Review only so many distributions, the first by name. Default: all."""
    policy: Annotated[str, Field(min_length=1)] | None = "licences"
    """The policy of governance-service that says what may be used; null asks none. Default "licences"."""
    approval_timeout_s: float = Field(default=604_800.0, gt=0, le=31_536_000)
    """How long those who approve have where the policy wants an approval, in seconds. Default: a week."""


class ReviewResult(Summary):
    """What the workflow returns: the figures, and where the report is."""

    findings: int
    """How many things there are to look at beside the mismatches."""
    report_json: str
    report_html: str
    sbom: str
    """The software bill of materials (CycloneDX)."""
    duration_s: float
    """From the run's start, in seconds."""


class _Progress:
    """Publishes how far the run is, for whoever watches it."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = self._failed = 0
        self._publish("reviewing")

    def count(self, review: Review) -> None:
        self._done += 1
        self._failed += review.status is ReviewStatus.FAILED
        self._publish("reviewing")

    def waiting(self, count: int) -> None:
        self._publish("waiting for an approval", waiting_for=count)

    def writing(self) -> None:
        self._publish("writing the report")

    def _publish(self, phase: str, **more: int) -> None:
        counts = {"done": self._done, "total": self._total, "failed": self._failed}
        publish("progress", {"phase": phase, **counts, **more})


@workflow(name="examples/dependency-review", version="1.0.0")
async def review_dependencies(request: ReviewRequest | None = None) -> ReviewResult:
    """Review the licences of every distribution installed in an environment.

    Args:
        request: What to review. Default: everything that this process can import.

    Returns:
        The figures, and where the report is.

    Raises:
        EnvironmentNotFoundError: None of the folders that were given exists.
        ReportWriteError: The report could not be written.
    """
    request = request or ReviewRequest()
    inventory = await take_inventory(request.paths)
    distributions = inventory.distributions[: request.limit]
    progress = _Progress(len(distributions))
    places = asyncio.Semaphore(request.concurrency)

    async def review_in_turn(distribution: Distribution) -> Review:
        async with places:
            review = await _review(distribution)
            if request.policy is not None:
                review = await ask_policy(request.policy, review)
        progress.count(review)
        return review

    reviews = await asyncio.gather(*map(review_in_turn, distributions))
    approval, unasked = None, []
    if waiting := [review for review in reviews if needs_approval(review)]:
        progress.waiting(len(waiting))
        try:
            approval = await ask_for_approval(info().run_id, waiting, timedelta(seconds=request.approval_timeout_s))
        except WorkflowFailedError as error:
            unasked = [Finding(FindingKind.POLICY_UNANSWERED, "approval", error.failure.message)]
        except WorkflowCancelledError:
            unasked = [Finding(FindingKind.POLICY_UNANSWERED, "approval", "asking was cancelled")]
    progress.writing()
    findings = sorted([*inventory.findings, *unasked, *_findings(reviews, approval)])
    summary = summarize(reviews)
    if request.policy is not None:
        decided = summarize_policy(request.policy, [review.policy for review in reviews], approval)
        summary = summary.model_copy(update={"policy": decided})
    report = Report(
        run_id=info().run_id,
        generated_at=now(),
        python=inventory.python,
        paths=inventory.paths,
        summary=summary,
        findings=tuple(findings),
        reviews=tuple(reviews),
    )
    files = await write_report(report, request.output_dir)
    return ReviewResult(
        **summary.model_dump(),
        findings=len(findings),
        report_json=files.json_path,
        report_html=files.html_path,
        sbom=files.sbom_path,
        duration_s=round((now() - info().started_at).total_seconds(), 3),
    )


async def _review(distribution: Distribution) -> Review:
    """Run the review of one distribution as a child; whatever it fails with is a row of the report."""
    review_id = review_run_id(info().run_id, distribution)
    question = {
        "name": distribution.name,
        "version": distribution.version,
        "metadata_path": distribution.metadata_path,
        "declared": distribution.declared,
    }
    try:
        outcome = ReviewOutcome.model_validate(await run_child(LICENSE_REVIEW, question, id=review_id))
    except WorkflowFailedError as error:
        return Review.failed(distribution, review_id, error.failure.message)
    except WorkflowCancelledError:
        return Review.failed(distribution, review_id, "the review was cancelled")
    except ValidationError as error:
        return Review.failed(distribution, review_id, f"{LICENSE_REVIEW} gave no review: {error}")
    return Review.completed(distribution, review_id, outcome)


def review_run_id(run_id: str, distribution: Distribution) -> str:
    """Name the run that reviews a distribution: the same name whenever the workflow is replayed.

    Args:
        run_id: The run of the whole review.
        distribution: The distribution.

    Returns:
        "run.name-version"; where that is no run id, a form of it that is, told apart by a hash.
    """
    plain = f"{run_id}.{distribution.key}-{distribution.version}"
    tidy = _NOT_IN_RUN_IDS.sub("_", plain.removeprefix(run_id))
    if f"{run_id}{tidy}" == plain and len(plain) <= _LONGEST_RUN_ID:
        return plain
    digest = hashlib.sha256(plain.encode()).hexdigest()[:12]
    return f"{run_id}{tidy}"[: _LONGEST_RUN_ID - len(digest) - 1] + f"~{digest}"


def _findings(reviews: Sequence[Review], approval: ApprovalAnswer | None) -> list[Finding]:
    findings: list[Finding] = []
    for review in reviews:
        if review.status is ReviewStatus.NO_TEXT:
            findings.append(Finding(FindingKind.NO_TEXT, review.name, "ships no licence text"))
        if review.error is not None:
            findings.append(Finding(FindingKind.REVIEW_FAILED, review.name, review.error))
        if review.policy_error is not None:
            findings.append(Finding(FindingKind.POLICY_UNANSWERED, review.name, review.policy_error))
        if (refused := _refusal(review, approval)) is not None:
            findings.append(Finding(FindingKind.DENIED, review.name, refused))
    return findings


def _refusal(review: Review, approval: ApprovalAnswer | None) -> str | None:
    if review.policy is None or review.policy.decision is Decision.ALLOW:
        return None
    reasons = " ".join(reason.text for reason in review.policy.reasons)
    if review.policy.decision is Decision.DENY:
        return reasons or "the policy denies it"
    if approval is not None and approval.is_approved:
        return None
    return f"needs an approval ({'nobody could be asked' if approval is None else approval.decision}): {reasons}"
