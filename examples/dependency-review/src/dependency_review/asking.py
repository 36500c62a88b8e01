"""Asking governance-service, by way of documents: whether a policy allows, and whether a person does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from pydantic import ValidationError

from dependency_review.documents import LICENSE_APPROVAL, LICENSE_POLICY
from dependency_review.policy import ApprovalAnswer, Decision, PolicyAnswer, question_about
from dependency_review.reviews import Review
from maestro_workflow_engine import WorkflowCancelledError, WorkflowFailedError, receive, run_child

SIGNAL: Final = "approval"
"""The signal by which the answer of those who approve comes."""
_SHOWN_BYTES: Final = 30_000
"""How much of the context is filled with distributions; governance-service takes 32,768 bytes."""
_LATE: Final = timedelta(minutes=5)
"""How long after its due time the outcome of an approval may still be on its way."""


async def ask_policy(policy: str, review: Review) -> Review:
    """Ask a policy about a review.

    Args:
        policy: Its name.
        review: The review.

    Returns:
        The review, with the policy's answer or with why there is none.
    """
    question = question_about(review.declared, review.license, review.confidence, review.relation)
    asked = {"policy": policy, "name": review.name, "version": review.version, **question.model_dump(mode="json")}
    try:
        answer = PolicyAnswer.model_validate(await run_child(LICENSE_POLICY, asked, id=f"{review.review_id}~policy"))
    except WorkflowFailedError as error:
        return review.model_copy(update={"policy_error": error.failure.message})
    except WorkflowCancelledError:
        return review.model_copy(update={"policy_error": "asking was cancelled"})
    except ValidationError as error:
        return review.model_copy(update={"policy_error": f"{LICENSE_POLICY} gave no answer: {error}"})
    return review.model_copy(update={"policy": answer})


async def ask_for_approval(run_id: str, reviews: Sequence[Review], patience: timedelta) -> ApprovalAnswer:
    """Ask those who approve about everything that needs it, and wait for what they say.

    Args:
        run_id: The run, which is the question's id too: asked again it is the same question.
        reviews: The reviews that need an approval.
        patience: How long they have.

    Returns:
        The answer.

    Raises:
        WorkflowFailedError: Nobody could be asked.
    """
    await run_child(LICENSE_APPROVAL, _question(run_id, reviews, patience), id=f"{run_id}~approval")
    try:
        answer: Any = await receive(SIGNAL, timeout=patience + _LATE)
    except TimeoutError:
        return ApprovalAnswer(approval_id=run_id, decision="unanswered")
    try:
        return ApprovalAnswer.model_validate(answer)
    except ValidationError:
        # Whoever may signal runs could have sent anything; nothing is allowed by what cannot be read.
        return ApprovalAnswer(approval_id=run_id, decision="unanswered", comments=("the answer could not be read",))


def needs_approval(review: Review) -> bool:
    """Tell whether a person has to decide on a distribution.

    Args:
        review: Its review.
    """
    return review.policy is not None and review.policy.decision is Decision.NEEDS_APPROVAL


def _question(run_id: str, reviews: Sequence[Review], patience: timedelta) -> dict[str, Any]:
    count = len(reviews)
    noun = "distribution" if count == 1 else "distributions"
    shown = _as_many_as_fit(reviews)
    licenses = sorted({" AND ".join(review.policy.licenses) or "unknown" for review in reviews if review.policy})
    return {
        "id": run_id,
        "title": f"May {count} {noun} be used whose licences need an approval?",
        "description": f"Licences: {', '.join(licenses)}."[:2_000],
        "run_id": run_id,
        "signal": SIGNAL,
        "due_in_s": patience.total_seconds(),
        "context": {
            "distributions": shown,
            "more": count - len(shown),
        },
    }


def _as_many_as_fit(reviews: Sequence[Review]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    size = 0
    for review in reviews:
        if review.policy is None:
            continue
        entry = {
            "name": review.name,
            "version": review.version,
            "licenses": list(review.policy.licenses),
            "confidence": review.confidence,
            "reasons": [reason.text for reason in review.policy.reasons],
        }
        size += len(json.dumps(entry).encode()) + 2
        if size > _SHOWN_BYTES:
            break
        shown.append(entry)
    return shown
