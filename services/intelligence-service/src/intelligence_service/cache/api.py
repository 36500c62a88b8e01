"""HTTP in and out: what is remembered."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from intelligence_service.cache.recall import CachedAnswers
from intelligence_service.cache.threshold import NEVER
from intelligence_service.tenancy import Tenant
from maestro_core_api import require_role

router = APIRouter(prefix="/cache")


class CacheCounts(BaseModel):
    """One cache of one process."""

    entries: int
    hits: int
    misses: int


class FalseHitsView(BaseModel):
    """What is known about answers by likeness to one persona's questions."""

    checked: int
    """Answers that were compared with the model's own, at or above the threshold."""
    false: int
    """Those that differed."""
    upper_rate: float
    """What the rate of false hits is at most, with 95 % of chance."""
    threshold: float | None
    """Similarity from which a remembered answer is given; null: none is any more, too many were wrong."""


class CacheView(BaseModel):
    """The caller's tenant's remembered answers, in the process that answers."""

    exact: CacheCounts
    """Same questions."""
    semantic: CacheCounts | None
    """Questions that mean the same; null: they are not looked for."""
    false_hits: dict[str, FalseHitsView]
    """By persona."""


async def _answers(request: Request) -> CachedAnswers:
    answers: CachedAnswers = request.state.answers
    return answers


@router.get("", dependencies=[Depends(require_role("viewer"))])
async def show_cache(answers: Annotated[CachedAnswers, Depends(_answers)], tenant: Tenant) -> CacheView:
    """Show what is remembered for the caller's tenant, and how often it was wrong.

    Args:
        answers: Filled in by FastAPI.
        tenant: Filled in by FastAPI.

    Returns:
        Counts since the process began.
    """
    exact, semantic = answers.exact, answers.semantic
    counts = exact.counts(tenant)
    view = CacheView(
        exact=CacheCounts(entries=exact.size(tenant), hits=counts.hits, misses=counts.misses),
        semantic=None,
        false_hits={},
    )
    if semantic is not None:
        counts = semantic.counts(tenant)
        view.semantic = CacheCounts(entries=semantic.size(tenant), hits=counts.hits, misses=counts.misses)
        view.false_hits = {
            persona: FalseHitsView(
                checked=known.checked,
                false=known.false,
                upper_rate=round(known.upper_rate, 4),
                threshold=None if known.threshold >= NEVER else round(known.threshold, 4),
            )
            for persona, known in semantic.false_hits(tenant).items()
        }
    return view


@router.delete("", dependencies=[Depends(require_role("operator"))])
async def empty_cache(
    answers: Annotated[CachedAnswers, Depends(_answers)],
    tenant: Tenant,
    persona: Annotated[str | None, Query(max_length=200)] = None,
) -> dict[str, int]:
    """Forget remembered answers of the caller's tenant.

    Args:
        answers: Filled in by FastAPI.
        tenant: Filled in by FastAPI.
        persona: Only those of this persona.

    Returns:
        `removed`: how many, in the process that answers.
    """
    return {"removed": answers.invalidate(tenant, persona)}
