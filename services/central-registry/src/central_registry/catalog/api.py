"""HTTP in and out of the catalog."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from central_registry.api import TheRegistry, in_http_terms
from central_registry.catalog.domain import Catalog, Comparison, DocumentKind, Outcome, Revision
from central_registry.catalog.views import (
    CatalogView,
    ComparisonView,
    DaysView,
    EntryRequest,
    EntryView,
    FullEntryView,
    HistoryView,
    ObservationsRequest,
    PutView,
    SummaryView,
    TakenView,
)
from central_registry.domain import Instance, Selection
from maestro_core_api import idempotent, platform_caller, require_role
from maestro_core_logging import get_logger

_logger = get_logger(__name__)
_EVERYONE = Selection(with_unhealthy=True)


async def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.state.catalog
    return catalog


TheCatalog = Annotated[Catalog, Depends(_catalog)]
router = APIRouter(prefix="/catalog", tags=["catalog"], dependencies=[Depends(in_http_terms)])
_viewer = [Depends(require_role("viewer"))]
_operator = [Depends(require_role("operator")), Depends(platform_caller)]
_admin = [Depends(require_role("admin")), Depends(platform_caller)]


@router.get("", dependencies=_viewer)
async def list_entries(catalog: TheCatalog, registry: TheRegistry) -> CatalogView:
    """List every service that is in the catalog or was seen calling, with what does not agree."""
    entries, running = catalog.entries(), registry.live(_EVERYONE)
    return CatalogView(
        services=[
            _summary(each, entries.get(each.service), running.get(each.service, ()))
            for each in await catalog.comparisons()
        ]
    )


@router.post("/observations", dependencies=_operator, status_code=202)
@idempotent
async def observe(request: Request, data: ObservationsRequest, catalog: TheCatalog) -> TakenView:
    """Take what traces showed since the last time; all of it or nothing."""
    now = request.state.clock()
    await catalog.observe([each.observation(now) for each in data.observations])
    return TakenView(taken=len(data.observations))


@router.put("/{name}", dependencies=_operator, responses={201: {"model": PutView}})
async def put_entry(name: str, data: EntryRequest, catalog: TheCatalog, response: Response) -> PutView:
    """Say what a service is (201 new, 200 otherwise); `outcome` tells whether it is a new revision."""
    revision, outcome = await catalog.put(name, data.draft())
    if outcome is Outcome.CREATED:
        response.status_code = 201
    if outcome in {Outcome.CREATED, Outcome.CHANGED}:
        _logger.info("Catalog entry recorded", entry_of=name, version=data.version, revision=revision.number)
    return PutView(**EntryView.of(revision).model_dump(), outcome=outcome.value)


@router.get("/{name}", dependencies=_viewer)
async def show_entry(name: str, catalog: TheCatalog, registry: TheRegistry) -> FullEntryView:
    """Show what a service is, what of it runs, and what it was seen calling."""
    revision = catalog.get(name)
    observed = ComparisonView.of(await catalog.comparison(name))
    return FullEntryView(
        **EntryView.of(revision).model_dump(),
        running=_versions(registry.live(_EVERYONE).get(name, ())),
        observed=observed,
    )


@router.get("/{name}/history", dependencies=_viewer)
async def show_history(name: str, catalog: TheCatalog) -> HistoryView:
    """Show what a service said before, the latest first."""
    return HistoryView(revisions=[EntryView.of(revision) for revision in await catalog.history(name)])


@router.get("/{name}/dependencies", dependencies=_viewer)
async def show_dependencies(name: str, catalog: TheCatalog) -> ComparisonView:
    """Compare what a service says it calls with what it was seen calling."""
    return ComparisonView.of(await catalog.comparison(name))


@router.get("/{name}/observations", dependencies=_viewer)
async def show_observations(
    name: str, catalog: TheCatalog, days: Annotated[int, Query(ge=1, le=3_650, description="How far back.")] = 30
) -> DaysView:
    """Show the calls that a service made and got, day by day."""
    return DaysView.of(await catalog.days(name, back=timedelta(days=days)))


@router.get("/{name}/openapi", dependencies=_viewer, response_class=Response)
async def show_openapi(name: str, catalog: TheCatalog) -> Response:
    """Show the OpenAPI document of a service."""
    return await _document(name, DocumentKind.OPENAPI, catalog)


@router.get("/{name}/asyncapi", dependencies=_viewer, response_class=Response)
async def show_asyncapi(name: str, catalog: TheCatalog) -> Response:
    """Show the AsyncAPI document of a service."""
    return await _document(name, DocumentKind.ASYNCAPI, catalog)


@router.delete("/{name}", dependencies=_admin, status_code=204)
async def remove_entry(name: str, catalog: TheCatalog) -> None:
    """Forget what a service said. Doing so twice is no error; a service that starts says it again."""
    if await catalog.remove(name):
        _logger.info("Catalog entry removed", entry_of=name)


async def _document(name: str, kind: DocumentKind, catalog: Catalog) -> Response:
    return Response(await catalog.document(name, kind), media_type="application/json")


def _versions(live: Iterable[Instance]) -> dict[str, int]:
    return dict(sorted(Counter(instance.registration.version for instance in live).items()))


def _summary(comparison: Comparison, revision: Revision | None, live: Iterable[Instance]) -> SummaryView:
    return SummaryView(
        name=comparison.service,
        owner=None if revision is None else revision.entry.owner,
        version=None if revision is None else revision.entry.version,
        running=_versions(live),
        agrees=comparison.agrees,
        undeclared=list(comparison.undeclared),
        unused=list(comparison.unused),
        unknown=list(comparison.unknown),
    )
