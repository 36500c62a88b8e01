"""Documents on the engine itself: durability, failures as kept, models rebuilt for steps."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from maestro_workflow_engine import WorkflowEngine, WorkflowFailedError, WorkflowHandle, step
from maestro_workflow_engine.dsl import HttpRequest, HttpResponse, Steps, TaskError

LIMIT = timedelta(seconds=20)


class Order(BaseModel):
    items: list[int]


@step
async def total(order: Order) -> int:
    return sum(order.items)


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


async def test_an_uncaught_error_is_kept_whole(load: Callable[..., Any]) -> None:
    """The failed run keeps the error object, and reading it back gives a TaskError again."""
    document = load("do: [{a: {raise: {error: {type: 'a:b', status: 418, title: Tea}}}}]")
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()]) as engine:
        handle = await engine.start(document.qualified_name)
        with pytest.raises(WorkflowFailedError) as caught:
            await handle.result(LIMIT)
    error = {"type": "a:b", "status": 418, "title": "Tea", "instance": "/do/0/a"}
    assert caught.value.failure.args == [error]
    assert str(TaskError(error)) == "Tea (status 418, a:b, raised at /do/0/a)"
    assert TaskError(error).error == TaskError(*TaskError(error).args).error


async def test_steps_get_their_declared_types(load: Callable[..., Any]) -> None:
    """A mapping in `with` arrives as the model that the step declares."""
    document = load("do: [{a: {call: total, with: {order: {items: [1, 2, '${ .n }']}}}}]")
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow(Steps([total]))]) as engine:
        handle = await engine.start(document.qualified_name, {"n": 3})
        assert await handle.result(LIMIT) == 6


async def test_a_call_is_kept_as_readable_json(load: Callable[..., Any]) -> None:
    """History shows a call's arguments and outcome as JSON, not as encoded bytes."""
    document = load("do: [{a: {call: http, with: {method: post, endpoint: 'http://x', body: {n: 1}}}}]")
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow(Steps(http=Remote()))]) as engine:
        handle = await engine.start(document.qualified_name)
        await handle.result(LIMIT)
        history = json.dumps([event.data for event in await handle.history()])
    assert '"body": {"n": 1}' in history
    assert '"output": {"ok": true}' in history


async def kept(handle: WorkflowHandle[Any], step_name: str, count: int) -> None:
    """Wait until history holds that many attempts of a step."""
    async with asyncio.timeout(LIMIT.total_seconds()):
        while sum(event.data.get("step") == step_name for event in await handle.history()) < count:
            await asyncio.sleep(0.005)


RESUMED = """
do:
  - first: {call: note, with: {what: '${ "first " + $workflow.startedAt.iso8601 }'}, export: {as: '{first: .}'}}
  - both:
      fork:
        branches:
          - a: {do: [{w: {wait: {milliseconds: 300}}}, {n: {call: note, with: {what: a}}}]}
          - b: {call: note, with: {what: b}}
  - shaky:
      try: [{x: {call: shaky}}]
      catch:
        retry: {delay: {milliseconds: 50}, jitter: {from: {milliseconds: 1}, to: {milliseconds: 50}}}
  - last: {set: {first: '${ $context.first }', both: '${ . }', started: '${ $workflow.startedAt.iso8601 }'}}
"""


async def test_a_run_goes_on_after_a_restart(load: Callable[..., Any], tmp_path: Path) -> None:
    """A run that was interrupted anywhere goes on where it was: no finished step runs again, no value changes."""
    notes: list[str] = []
    failures: list[int] = []

    @step
    async def note(what: str) -> str:
        notes.append(what)
        return what

    @step
    async def shaky() -> list[str]:
        failures.append(1)
        if len(failures) < 3:
            raise ConnectionError("not yet")
        return sorted(notes)

    document = load(RESUMED)
    url = f"sqlite:///{tmp_path / 'runs.db'}"

    def engine() -> WorkflowEngine:
        return WorkflowEngine(url, workflows=[document.as_workflow(Steps([note, shaky]))])

    async with engine() as running:
        await kept(await running.start(document.qualified_name, id="r"), "note", 2)
    async with engine() as running:
        await kept(running.handle("r"), "shaky", 1)
    async with engine() as running:
        output = await running.handle("r").result(LIMIT)
    assert notes[0] == f"first {output['started']}"
    assert sorted(notes[1:]) == ["a", "b"]
    assert output["first"] == notes[0]
    assert output["both"] == sorted(notes)
    assert len(failures) == 3
