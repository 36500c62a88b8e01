"""Workflow definitions over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from maestro.api.state import OPERATOR, VIEWER, TheDefinitions
from maestro.domain.catalog import Catalog, Definition, Kind, WorkflowKey
from maestro.errors import answered

router = APIRouter(prefix="/workflows", tags=["workflows"], dependencies=[VIEWER])

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


class WorkflowDetail(WorkflowView):
    """One version of a workflow, with its document."""

    document: dict[str, Any] | None
    """The document; null for a Python workflow."""


class WorkflowList(BaseModel):
    """Definitions."""

    workflows: list[WorkflowView]
    """By name, the latest version first."""


@router.get("")
async def list_workflows(definitions: TheDefinitions) -> WorkflowList:
    """List every version of every workflow."""
    catalog = definitions.catalog
    return WorkflowList(workflows=[_view(catalog, definition) for definition in catalog])


@router.get("/{namespace}/{name}")
async def list_versions(namespace: str, name: str, definitions: TheDefinitions) -> WorkflowList:
    """List the versions of a workflow, the latest first."""
    catalog = definitions.catalog
    with answered():
        found = catalog.versions(f"{namespace}/{name}")
    return WorkflowList(workflows=[_view(catalog, definition) for definition in found])


@router.get("/{namespace}/{name}/{version}")
async def show_workflow(namespace: str, name: str, version: str, definitions: TheDefinitions) -> WorkflowDetail:
    """Show one version of a workflow."""
    with answered():
        return _detail(definitions.catalog, definitions.catalog.find(f"{namespace}/{name}:{version}"))


@router.put(
    "/{namespace}/{name}/{version}",
    dependencies=[OPERATOR],
    openapi_extra=_BODY,
    responses={201: {"model": WorkflowDetail, "description": "Registered"}},
)
async def register_workflow(
    namespace: str, name: str, version: str, request: Request, response: Response, definitions: TheDefinitions
) -> WorkflowDetail:
    """Register a workflow document. The same content again is fine; other content under the same version is not."""
    source = await request.body()
    with answered():
        registered = await definitions.register(WorkflowKey(namespace, name, version), source)
    response.status_code = 201 if registered.is_new else 200
    return _detail(definitions.catalog, registered.definition)


def _view(catalog: Catalog, definition: Definition) -> WorkflowView:
    return WorkflowView.model_validate(_members(catalog, definition))


def _detail(catalog: Catalog, definition: Definition) -> WorkflowDetail:
    document = None if definition.document is None else dict(definition.document)
    return WorkflowDetail.model_validate({**_members(catalog, definition), "document": document})


def _members(catalog: Catalog, definition: Definition) -> dict[str, Any]:
    return {
        "namespace": definition.key.namespace,
        "name": definition.key.name,
        "version": definition.key.version,
        "kind": definition.kind,
        "title": definition.title,
        "latest": catalog.is_latest(definition),
        "problem": definition.problem,
    }
