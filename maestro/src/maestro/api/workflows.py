"""Workflow definitions over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from maestro.api.requests import InterventionRequest
from maestro.api.run_views import HoldView
from maestro.api.state import OPERATOR, VIEWER, TheDefinitions, TheHolds
from maestro.domain.catalog import Catalog, Definition, Kind, WorkflowKey
from maestro.domain.holds import hold_on
from maestro.errors import answered
from maestro_workflow_engine import PausedWorkflow

router = APIRouter(prefix="/workflows", tags=["workflows"], dependencies=[VIEWER])

OneVersion = Annotated[
    str | None, Query(min_length=1, max_length=200, description="Only this version. Default: every version.")
]
_DOCUMENT_TYPES = ("application/yaml", "application/json")
_BODY = {
    "requestBody": {
        "required": True,
        "description": "An Open Workflow document in YAML 1.2 or JSON, whatever the content type says.",
        "content": {media: {"schema": {"type": "object"}} for media in _DOCUMENT_TYPES},
    }
}


class WorkflowView(BaseModel):
    """One version of a workflow."""

    namespace: str
    name: str
    version: str
    kind: Kind
    """`document` or `python`."""
    title: str
    latest: bool
    """Whether a run that names no version takes this one."""
    problem: str | None
    """Why it cannot run at the moment; null when it can."""
    paused: HoldView | None
    """The pause that its runs have to wait for; null when there is none."""


class WorkflowDetail(WorkflowView):
    """One version of a workflow, with its document."""

    document: dict[str, Any] | None
    """The document; null for a Python workflow."""


class WorkflowList(BaseModel):
    """Definitions."""

    workflows: list[WorkflowView]
    """By name, the latest version first."""


@router.get("")
async def list_workflows(definitions: TheDefinitions, holds: TheHolds) -> WorkflowList:
    """List every version of every workflow."""
    return _list(definitions.catalog, definitions.catalog, await holds.listing())


@router.get("/{namespace}/{name}")
async def list_versions(namespace: str, name: str, definitions: TheDefinitions, holds: TheHolds) -> WorkflowList:
    """List the versions of a workflow, the latest first."""
    with answered():
        found = definitions.catalog.versions(f"{namespace}/{name}")
    return _list(definitions.catalog, found, await holds.listing())


@router.get("/{namespace}/{name}/{version}")
async def show_workflow(
    namespace: str, name: str, version: str, definitions: TheDefinitions, holds: TheHolds
) -> WorkflowDetail:
    """Show one version of a workflow."""
    with answered():
        found = definitions.catalog.find(f"{namespace}/{name}:{version}")
    return _detail(definitions.catalog, found, await holds.listing())


@router.put(
    "/{namespace}/{name}/{version}",
    dependencies=[OPERATOR],
    openapi_extra=_BODY,
    responses={201: {"model": WorkflowDetail, "description": "Registered"}},
)
async def register_workflow(
    namespace: str,
    name: str,
    version: str,
    request: Request,
    response: Response,
    definitions: TheDefinitions,
    holds: TheHolds,
) -> WorkflowDetail:
    """Register a workflow document. The same content again is fine; other content under the same version is not."""
    source = await request.body()
    with answered():
        registered = await definitions.register(WorkflowKey(namespace, name, version), source)
    response.status_code = 201 if registered.is_new else 200
    return _detail(definitions.catalog, registered.definition, await holds.listing())


@router.post("/{namespace}/{name}/pause", status_code=202, dependencies=[OPERATOR])
async def pause_workflow(
    namespace: str, name: str, holds: TheHolds, version: OneVersion = None, data: InterventionRequest | None = None
) -> dict[str, str | None]:
    """Start nothing more of a workflow's runs, those to come included, until it is resumed.

    Attempts that are under way go on; new runs are accepted and wait. One that is paused already stays as it is.
    """
    with answered():
        await holds.pause(f"{namespace}/{name}", version, data.reason if data else "")
    return {"workflow": f"{namespace}/{name}", "version": version}


@router.post("/{namespace}/{name}/resume", status_code=202, dependencies=[OPERATOR])
async def resume_workflow(
    namespace: str, name: str, holds: TheHolds, version: OneVersion = None
) -> dict[str, str | None]:
    """Take back the pause that was set with the same name and version. A run that is paused by itself stays so."""
    with answered():
        await holds.resume(f"{namespace}/{name}", version)
    return {"workflow": f"{namespace}/{name}", "version": version}


def _list(catalog: Catalog, found: Iterable[Definition], pauses: list[PausedWorkflow]) -> WorkflowList:
    views = [WorkflowView.model_validate(_members(catalog, definition, pauses)) for definition in found]
    return WorkflowList(workflows=views)


def _detail(catalog: Catalog, definition: Definition, pauses: list[PausedWorkflow]) -> WorkflowDetail:
    document = None if definition.document is None else dict(definition.document)
    return WorkflowDetail.model_validate({**_members(catalog, definition, pauses), "document": document})


def _members(catalog: Catalog, definition: Definition, pauses: list[PausedWorkflow]) -> dict[str, Any]:
    return {
        "namespace": definition.key.namespace,
        "name": definition.key.name,
        "version": definition.key.version,
        "kind": definition.kind,
        "title": definition.title,
        "latest": catalog.is_latest(definition),
        "problem": definition.problem,
        "paused": HoldView.of(hold_on(definition, pauses)),
    }
