"""Scorecards over HTTP."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from governance_service.clock import Clock
from governance_service.errors import in_http_terms
from governance_service.scorecards.assessor import Assessor
from governance_service.scorecards.domain import Attestation, Point, Scorecard, ScorecardStore, State
from maestro_core_api import Principal, platform_caller, require_role

_TREND = 50


@dataclass(frozen=True, slots=True)
class Scorecards:
    """What requests find in `request.state.scorecards`."""

    assessor: Assessor
    store: ScorecardStore
    clock: Clock


class ResultView(BaseModel):
    """How a service stands on one line of the checklist."""

    check: str
    item: str
    """The line of the guide's migration checklist."""
    state: State
    weight: int
    evidence: str
    remedy: str | None


class PointView(BaseModel):
    """A score of the past."""

    taken_at: datetime
    score: int


class ScorecardView(BaseModel):
    """How a service stands."""

    service: str
    score: int
    """0 to 100, by weight; what is not known counts as not done."""
    passed: int
    failed: int
    unknown: int
    taken_at: datetime

    @classmethod
    def of(cls, scorecard: Scorecard) -> Self:
        """Show a scorecard.

        Args:
            scorecard: The scorecard.
        """
        return cls(
            service=scorecard.service,
            score=scorecard.score,
            passed=scorecard.count(State.PASSED),
            failed=scorecard.count(State.FAILED),
            unknown=scorecard.count(State.UNKNOWN),
            taken_at=scorecard.taken_at,
        )


class ScorecardDetailView(ScorecardView):
    """How a service stands, line by line, and how it stood before."""

    results: list[ResultView] = []
    trend: list[PointView] = []
    """The latest first."""

    @classmethod
    def detailed(cls, scorecard: Scorecard, trend: list[Point]) -> Self:
        """Show a scorecard in full.

        Args:
            scorecard: The scorecard.
            trend: Earlier scores, the latest first.
        """
        results = [
            ResultView(
                check=one.check,
                item=one.item,
                state=one.state,
                weight=one.weight,
                evidence=one.evidence,
                remedy=one.remedy,
            )
            for one in scorecard.results
        ]
        summary = ScorecardView.of(scorecard).model_dump()
        return cls(
            **summary, results=results, trend=[PointView(taken_at=one.taken_at, score=one.score) for one in trend]
        )


class ScorecardsView(BaseModel):
    """The latest scorecard of each service, by name."""

    scorecards: list[ScorecardView]


class AttestationRequest(BaseModel):
    """What somebody vouches for, that cannot be seen from outside."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    check: Literal["performance", "tests"]
    """Which check it is for."""
    passed: bool
    """How it went."""
    evidence: str = Field(min_length=1, max_length=500)
    """What was found, in a sentence."""
    url: str | None = Field(default=None, max_length=2_000, pattern=r"^https?://\S+$")
    """Where the report is."""
    valid_days: int = Field(default=90, ge=1, le=366)
    """How long it counts, in days."""


async def _scorecards(request: Request) -> Scorecards:
    scorecards: Scorecards = request.state.scorecards
    return scorecards


TheScorecards = Annotated[Scorecards, Depends(_scorecards)]
router = APIRouter(prefix="/scorecards", tags=["scorecards"], dependencies=[Depends(in_http_terms)])
_viewer = [Depends(require_role("viewer")), Depends(platform_caller)]
_operator = [Depends(require_role("operator")), Depends(platform_caller)]
ServiceName = Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9-]+$")]


@router.get("", dependencies=_viewer)
async def list_scorecards(scorecards: TheScorecards) -> ScorecardsView:
    """List the latest scorecard of each service, by name."""
    return ScorecardsView(scorecards=[ScorecardView.of(one) for one in await scorecards.store.latest()])


@router.post("/assess", dependencies=_operator)
async def assess_all(scorecards: TheScorecards) -> ScorecardsView:
    """Look at every registered service now."""
    return ScorecardsView(scorecards=[ScorecardView.of(one) for one in await scorecards.assessor.assess_all()])


@router.get("/{service}", dependencies=_viewer)
async def show(
    service: ServiceName,
    scorecards: TheScorecards,
    limit: Annotated[int, Query(ge=1, le=1_000, description="How many earlier scores at most.")] = _TREND,
) -> ScorecardDetailView:
    """Show the latest scorecard of a service, line by line, and its trend; it is made when there is none yet."""
    found = await scorecards.store.latest_of(service)
    if found is None:
        found = await scorecards.assessor.assess(service)
    return ScorecardDetailView.detailed(found, list(await scorecards.store.trend(service, limit)))


@router.post("/{service}/assess", dependencies=_operator)
async def assess(service: ServiceName, scorecards: TheScorecards) -> ScorecardDetailView:
    """Look at a service now."""
    made = await scorecards.assessor.assess(service)
    return ScorecardDetailView.detailed(made, list(await scorecards.store.trend(service, _TREND)))


@router.post("/{service}/attestations", status_code=201, dependencies=[Depends(platform_caller)])
async def attest(
    service: ServiceName,
    data: AttestationRequest,
    caller: Annotated[Principal, Depends(require_role("operator"))],
    scorecards: TheScorecards,
) -> ScorecardDetailView:
    """Vouch for what cannot be seen from outside: a run of the tests, a load test. It counts from now on."""
    # Before anything is kept: nobody vouches for what is not there.
    await scorecards.assessor.find(service)
    now = scorecards.clock()
    attestation = Attestation(
        check=data.check,
        passed=data.passed,
        evidence=data.evidence,
        by=caller.subject,
        at=now,
        expires_at=now + timedelta(days=data.valid_days),
        url=data.url,
    )
    await scorecards.store.attest(service, attestation)
    return await assess(service, scorecards)
