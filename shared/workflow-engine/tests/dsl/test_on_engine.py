"""Documents as workflows, and what their history shows. `tests/conformance/test_documents.py` runs them on both runners."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import HttpRequest, HttpResponse, Steps

LIMIT = timedelta(seconds=20)


class Remote:
    async def call(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {"content-type": "application/json"}, b'{"ok": true}')


async def test_a_document_is_a_workflow_by_its_qualified_name(load: Callable[..., Any]) -> None:
    """The workflow is named "namespace/name", has the document's version, and its title for a title."""
    document = load(
        "document: {dsl: '1.0.3', namespace: acme, name: greet, version: 1.2.3, title: Greets people}\n"
        "do: [{a: {set: {id: '${ $workflow.id }', name: '${ .name }'}}}]"
    )
    workflow = document.as_workflow()
    assert (workflow.name, workflow.version, workflow.title) == ("acme/greet", "1.2.3", "Greets people")
    async with WorkflowEngine("sqlite://", workflows=[workflow]) as engine:
        handle = await engine.start("acme/greet:1.2.3", {"name": "bob"}, id="run-17")
        assert await handle.result(LIMIT) == {"id": "run-17", "name": "bob"}


async def test_a_call_is_kept_as_readable_json(load: Callable[..., Any]) -> None:
    """History shows a call's arguments and outcome as JSON, not as encoded bytes."""
    document = load("do: [{a: {call: http, with: {method: post, endpoint: 'http://x', body: {n: 1}}}}]")
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow(Steps(http=Remote()))]) as engine:
        handle = await engine.start(document.qualified_name)
        await handle.result(LIMIT)
        history = json.dumps([event.data for event in await handle.history()])
    assert '"body": {"n": 1}' in history
    assert '"output": {"ok": true}' in history
