"""Documents of the Open Workflow DSL on the runners."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from pydantic import BaseModel

from maestro_workflow_engine import WorkflowFailedError, step
from maestro_workflow_engine.dsl import HttpRequest, HttpResponse, Steps, TaskError, WorkflowDocument, load_document

pytestmark = pytest.mark.capability("documents")

LIMIT = timedelta(seconds=20)
HEAD = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"


class Order(BaseModel):
    items: list[int]


@step
async def total(order: Order) -> int:
    return sum(order.items)


class Remote:
    async def call(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {"content-type": "application/json"}, b'{"ok": true}')


def load(text: str) -> WorkflowDocument:
    return load_document(HEAD + text)


async def test_an_uncaught_error_is_kept_whole(place):
    """The failed run keeps the error object, and reading it back gives a TaskError again."""
    document = load("do: [{a: {raise: {error: {type: 'a:b', status: 418, title: Tea}}}}]")
    async with place.engine(workflows=[document.as_workflow()]) as engine:
        handle = await engine.start(document.qualified_name)
        with pytest.raises(WorkflowFailedError) as caught:
            await handle.result(LIMIT)
    error = {"type": "a:b", "status": 418, "title": "Tea", "instance": "/do/0/a"}
    assert caught.value.failure.args == [error]
    assert str(TaskError(error)) == "Tea (status 418, a:b, raised at /do/0/a)"


async def test_steps_get_their_declared_types(place):
    """A mapping in `with` arrives as the model that the step declares."""
    document = load("do: [{a: {call: total, with: {order: {items: [1, 2, '${ .n }']}}}}]")
    async with place.engine(workflows=[document.as_workflow(Steps([total]))]) as engine:
        handle = await engine.start(document.qualified_name, {"n": 3})
        assert await handle.result(LIMIT) == 6


async def test_a_call_over_http_is_a_step(place):
    """Its outcome is in the history as readable JSON."""
    document = load("do: [{a: {call: http, with: {method: post, endpoint: 'http://x', body: {n: 1}}}}]")
    async with place.engine(workflows=[document.as_workflow(Steps(http=Remote()))]) as engine:
        handle = await engine.start(document.qualified_name)
        assert await handle.result(LIMIT) == {"ok": True}
        (done,) = [event.data for event in await handle.history() if event.type == "step_completed"]
    assert done["output"]["output"] == {"ok": True}
    assert '"body": {"n": 1}' in json.dumps(done)


async def test_a_document_is_a_workflow_by_its_qualified_name(place):
    """The workflow is named "namespace/name", has the document's version, and its title for a title."""
    document = load_document(
        "document: {dsl: '1.0.3', namespace: acme, name: greet, version: 1.2.3, title: Greets people}\n"
        "do: [{a: {set: {id: '${ $workflow.id }', name: '${ .name }'}}}]"
    )
    workflow = document.as_workflow()
    assert (workflow.name, workflow.version, workflow.title) == ("acme/greet", "1.2.3", "Greets people")
    async with place.engine(workflows=[workflow]) as engine:
        handle = await engine.start("acme/greet:1.2.3", {"name": "bob"}, id="run-17")
        assert await handle.result(LIMIT) == {"id": "run-17", "name": "bob"}


EVENTFUL = """
do:
  - loop:
      for: {each: n, in: '${ .numbers }'}
      do: [{add: {set: {sum: '${ (.sum // 0) + $n }'}}}]
  - choose:
      switch: [{big: {when: '${ .sum > 5 }', then: wait}}, {small: {then: end}}]
  - refuse: {raise: {error: {type: 'a:b', status: 400}}}
  - wait: {wait: {milliseconds: 20}}
  - guarded:
      try: [{x: {raise: {error: {type: 'a:c', status: 503}}}}]
      catch: {errors: {with: {status: 503}}, as: problem, do: [{mend: {set: {mended: '${ $problem.status }'}}}]}
"""


async def test_loops_branches_waits_and_catches(place):
    """The document's own control flow is the same wherever it runs."""
    document = load(EVENTFUL)
    async with place.engine(workflows=[document.as_workflow()]) as engine:
        handle = await engine.start(document.qualified_name, {"numbers": [1, 2, 3]})
        assert await handle.result(LIMIT) == {"mended": 503}


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


async def test_a_document_goes_on_after_a_restart(place):
    """A run that was interrupted goes on where it was: no finished step runs again, no value changes."""
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

    def engine():
        return place.engine(workflows=[document.as_workflow(Steps([note, shaky]))])

    async with engine() as running:
        handle = await running.start(document.qualified_name, id="r")
        async with asyncio.timeout(LIMIT.total_seconds()):
            while sum(event.data.get("step") == "note" for event in await handle.history()) < 2:
                await asyncio.sleep(0.005)
    async with engine() as running:
        output = await running.handle("r").result(LIMIT)
    assert notes[0] == f"first {output['started']}"
    assert sorted(notes[1:]) == ["a", "b"]
    assert output["first"] == notes[0]
    assert output["both"] == sorted(notes)
    assert len(failures) == 3
