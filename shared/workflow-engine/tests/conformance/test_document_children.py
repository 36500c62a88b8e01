"""`run: workflow` in documents: documents and Python workflows as children."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from maestro_workflow_engine import (
    RunStatus,
    WorkflowCancelledError,
    WorkflowEngine,
    WorkflowFailedError,
    WorkflowHandle,
    workflow,
)
from maestro_workflow_engine.dsl import load_document

pytestmark = pytest.mark.capability("documents")

LIMIT = timedelta(seconds=40)


def document(name: str, body: str, version: str = "1.0.0") -> Any:
    head = f"document: {{dsl: '1.0.3', namespace: test, name: {name}, version: '{version}'}}\n"
    return load_document(head + body).as_workflow()


CHILD = document("child", "do: [{a: {set: {got: '${ . }', run: '${ $workflow.id }'}}}]")


def parent(run: str, rest: str = "") -> Any:
    return document("parent", f"do:\n  - a: {{run: {{{run}}}}}\n{rest}")


async def outcome(place, parent_of: Any, *others: Any, payload: Any = None, run_id: str = "p") -> Any:
    async with place.engine(workflows=[*others, parent_of]) as engine:
        handle = await engine.start(parent_of.name, payload, id=run_id)
        return await handle.result(LIMIT)


async def error_of(place, parent_of: Any, *others: Any) -> dict[str, Any]:
    with pytest.raises(WorkflowFailedError) as caught:
        await outcome(place, parent_of, *others)
    args = caught.value.failure.args
    assert args is not None
    error: dict[str, Any] = args[0]
    return error


async def test_a_workflow_runs_as_a_child_with_its_input(place):
    """The child gets `input`, expressions evaluated; its output is the task's."""
    run = "workflow: {namespace: test, name: child, version: 1.0.0, input: {n: '${ .n + 1 }', text: .n}}"
    output = await outcome(place, parent(run), CHILD, payload={"n": 1})
    assert output["got"] == {"n": 2, "text": ".n"}
    assert output["run"] != "p"


async def test_without_input_the_child_gets_the_tasks_own(place):
    """A `run: workflow` without `input` hands the task's transformed input on."""
    body = "do: [{a: {input: {from: .n}, run: {workflow: {namespace: test, name: child, version: latest}}}}]"
    assert (await outcome(place, document("parent", body), CHILD, payload={"n": 5}))["got"] == 5


async def test_the_version_chooses_among_several(place):
    """A version runs that version; latest runs the one that was registered last."""
    older = document("child", "do: [{a: {set: {version: 1}}}]", "1.0.0")
    newer = document("child", "do: [{a: {set: {version: 2}}}]", "2.0.0")
    named = parent("workflow: {namespace: test, name: child, version: 1.0.0}")
    latest = parent("workflow: {namespace: test, name: child, version: latest}")
    assert await outcome(place, named, older, newer) == {"version": 1}
    assert await outcome(place, latest, older, newer, run_id="q") == {"version": 2}


async def test_a_workflow_in_python_runs_as_well(place):
    """Whether the child is a document or Python makes no difference."""

    @workflow(name="py/double")
    async def double(numbers: dict[str, int]) -> int:
        return numbers["n"] * 2

    run = "workflow: {namespace: py, name: double, version: 1.0.0, input: {n: 21}}"
    assert await outcome(place, parent(run), double) == 42


async def test_return_none_gives_no_output(place):
    """With `return: none` the child's output is dropped."""
    assert (
        await outcome(place, parent("workflow: {namespace: test, name: child, version: 1.0.0}, return: none"), CHILD)
        is None
    )


async def test_a_childs_error_is_raised_again_here(place):
    """An error that the child did not catch has the same type, status and title here, and this task as its instance."""
    child = document("child", "do: [{x: {raise: {error: {type: 'a:b', status: 418, title: Tea, detail: none left}}}}]")
    error = await error_of(place, parent("workflow: {namespace: test, name: child, version: 1.0.0}"), child)
    assert error == {
        "type": "a:b",
        "status": 418,
        "title": "Tea",
        "detail": "none left (workflow 'test/child:1.0.0' failed at /do/0/x)",
        "instance": "/do/0/a",
    }


async def test_a_childs_error_can_be_caught(place):
    """`try` around `run: workflow` catches what the child raised."""
    child = document("child", "do: [{x: {raise: {error: {type: 'a:b', status: 418}}}}]")
    body = (
        "do: [{t: {try: [{a: {run: {workflow: {namespace: test, name: child, version: 1.0.0}}}}],"
        " catch: {errors: {with: {status: 418}}, do: [{c: {set: {caught: '${ $error.type }'}}}]}}}]"
    )
    assert await outcome(place, document("parent", body), child) == {"caught": "a:b"}


async def test_input_that_does_not_fit_the_childs_schema_fails_the_task(place):
    """The input is checked against the child's own schema."""
    child = document("child", "input: {schema: {document: {required: [n]}}}\ndo: [{a: {set: {b: 1}}}]")
    error = await error_of(
        place, parent("workflow: {namespace: test, name: child, version: 1.0.0, input: {m: 1}}"), child
    )
    assert error["type"].endswith("/validation")


@pytest.fixture
def waiting() -> Any:
    return document("child", "do: [{w: {wait: {hours: 1}}}]")


async def only_child(engine: WorkflowEngine) -> WorkflowHandle[Any]:
    """Wait until a child is listed."""
    async with asyncio.timeout(LIMIT.total_seconds()):
        while not (found := (await engine.runs(workflow="test/child")).runs):
            await asyncio.sleep(0.01)
    (child,) = found
    return engine.handle(child.id)


async def test_cancelling_the_parent_cancels_the_child(place, waiting: Any):
    """A child that is waited for does not outlive its parent."""
    run = parent("workflow: {namespace: test, name: child, version: 1.0.0}")
    async with place.engine(workflows=[waiting, run]) as engine:
        handle = await engine.start(run.name, id="p")
        child = await only_child(engine)
        await handle.cancel()
        with pytest.raises(WorkflowCancelledError):
            await child.result(LIMIT)


async def test_a_child_that_is_not_awaited_outlives_its_parent(place, waiting: Any):
    """With `await: false` the task outputs its input, and the child goes on after the parent's end."""
    run = parent("workflow: {namespace: test, name: child, version: 1.0.0}, await: false")
    async with place.engine(workflows=[waiting, run]) as engine:
        handle = await engine.start(run.name, {"n": 1}, id="p")
        assert await handle.result(LIMIT) == {"n": 1}
        child = await only_child(engine)
        assert (await child.status()).status is RunStatus.RUNNING
