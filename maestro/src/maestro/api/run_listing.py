"""Many runs over HTTP: listing and counting them, and stepping in wherever a filter points."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel

from maestro.api.requests import InterventionRequest
from maestro.api.run_views import RunList, RunView
from maestro.api.state import OPERATOR, VIEWER, TheManyRuns
from maestro.domain.attribute_terms import read_terms
from maestro.domain.many_runs import BulkAction
from maestro.errors import answered
from maestro_workflow_engine import RunFilter, RunOrder, RunStatus

router = APIRouter(prefix="/runs", tags=["runs"], dependencies=[VIEWER])

Text = Annotated[str | None, Query(min_length=1, max_length=400)]
Limit = Annotated[int, Query(ge=1, le=1_000)]
Cursor = Annotated[
    str | None, Query(description="`next_cursor` of the answer before; it goes with the same filter only.")
]


async def run_filter(
    status: Annotated[list[RunStatus] | None, Query(description="Where they stand; several are alternatives.")] = None,
    workflow: Annotated[
        str | None, Query(min_length=1, max_length=400, description="namespace/name, or namespace/name:version.")
    ] = None,
    parent: Annotated[str | None, Query(min_length=1, description="The run that they are children of.")] = None,
    id_prefix: Annotated[str | None, Query(min_length=1, description="What their ids begin with.")] = None,
    attribute: Annotated[
        list[str] | None,
        Query(
            description="A search attribute: `name:value`, `name:from..to` (numbers or times, one side may be left out) or "
            "`name:beginning*`. Several must all hold; several values of one name are alternatives. `7` is found as a number "
            'and as text, `"7"` as text only.',
            examples=["customer:acme", "amount:100..200", "region:eu-*"],
        ),
    ] = None,
    created_after: Annotated[AwareDatetime | None, Query(description="Started at this time or later.")] = None,
    created_before: Annotated[AwareDatetime | None, Query(description="Started before this time.")] = None,
    finished_after: Annotated[AwareDatetime | None, Query(description="Ended at this time or later.")] = None,
    finished_before: Annotated[AwareDatetime | None, Query(description="Ended before this time.")] = None,
) -> RunFilter:
    """Read which runs are meant: those that meet everything that is given."""
    name, _, version = (workflow or "").partition(":")
    with answered():
        return RunFilter(
            status=status or None,
            workflow=name or None,
            version=version or None,
            parent=parent,
            id_prefix=id_prefix,
            attributes=read_terms(attribute or ()).attributes,
            created_after=created_after,
            created_before=created_before,
            finished_after=finished_after,
            finished_before=finished_before,
        )


Wanted = Annotated[RunFilter, Depends(run_filter)]


class CountView(BaseModel):
    """How many runs there are."""

    count: int


class PortionView(BaseModel):
    """What was done in one portion."""

    runs: int
    """To how many runs."""
    next_cursor: str | None
    """Pass it as `cursor` to go on; null after the last portion."""


@router.get("")
async def list_runs(
    runs: TheManyRuns, wanted: Wanted, order: RunOrder = RunOrder.NEWEST, limit: Limit = 100, cursor: Cursor = None
) -> RunList:
    """List the runs that meet every criterion. Page after page shows each run once that was there at the first."""
    with answered():
        page = await runs.page(wanted, order=order, limit=limit, cursor=cursor)
    return RunList(runs=[RunView.of(run) for run in page.runs], next_cursor=page.next_cursor)


@router.get("/count")
async def count_runs(
    runs: TheManyRuns,
    wanted: Wanted,
    action: Annotated[BulkAction | None, Query(description="Only those to which this can be done.")] = None,
) -> CountView:
    """Count the runs that meet every criterion."""
    with answered():
        count = await (runs.count(wanted) if action is None else runs.eligible(action, wanted))
    return CountView(count=count)


@router.post("/{action}", dependencies=[OPERATOR])
async def act_on_runs(
    action: BulkAction,
    runs: TheManyRuns,
    wanted: Wanted,
    limit: Limit = 100,
    cursor: Cursor = None,
    data: InterventionRequest | None = None,
) -> PortionView:
    """Do something to the runs that meet every criterion, at least one of which must be given: a portion at a time.

    Go on with `next_cursor` until it is null. What was done is on disk when the answer comes; doing it again is fine.
    """
    with answered():
        reason = data.reason if data else ""
        portion = await runs.act(action, wanted, reason=reason, limit=limit, cursor=cursor)
    return PortionView(runs=portion.runs, next_cursor=portion.next_cursor)
