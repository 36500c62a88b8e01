"""Events: each comes once, reaches every run that listens, and starts what it has to start."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.trace import SpanContext, TraceFlags

from maestro_workflow_engine import (
    CloudEventError,
    EventSinkError,
    PayloadError,
    RunStatus,
    WorkflowCancelledError,
    WorkflowFailedError,
    replay,
    step,
)
from maestro_workflow_engine.dsl import DocumentSchedules, Steps, WorkflowDocument, load_document

pytestmark = pytest.mark.capability("events")

SOON = timedelta(seconds=30)
EVENT = {"id": "1", "source": "https://example.com", "type": "order.made"}
HEAD = "document: {dsl: '1.0.3', namespace: test, name: NAME, version: VERSION}\n"


def load(text: str, name: str = "sample", version: str = "1.0.0") -> WorkflowDocument:
    return load_document(HEAD.replace("NAME", name).replace("VERSION", version) + text)


def event(kind: str, data: Any = None, **attributes: Any) -> dict[str, Any]:
    """Make an event; its id is made of its content unless it is given."""
    made = {"id": f"{kind}-{data}", "source": "https://example.com/tests", "type": kind, **attributes}
    return made if data is None else {**made, "data": data}


async def listens(place, handle, count: int = 1) -> None:
    """Return once a run has that many listeners open."""

    async def so_many() -> bool:
        return sum(wait.kind == "event" for wait in (await handle.status()).waiting_for) >= count

    await place.until(so_many)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"id": ...}, "'id' is missing"),
    ({"source": None}, "'source' is missing"),
    ({"type": ""}, "'type' must be text"),
    ({"id": 7}, "'id' must be text"),
    ({"specversion": "0.3"}, "must be '1.0'"),
    ({"roomId": "x"}, "no attribute name"),
    ({"x": 1.5}, "must be text, true, false or a whole number"),
    ({"x": 2**31}, "whole number of 32 bits"),
    ({"time": "yesterday"}, "RFC 3339"),
    ({"time": "2026-01-01T00:00:00"}, "time zone"),
    ({"data": 1, "data_base64": "AA=="}, "does not go together"),
    ({"data_base64": 7}, "base64"),
    ({"data": object()}, "no JSON form"),
]


async def test_what_is_no_event_is_refused_with_the_attribute(place):
    """Nothing is kept of it."""
    async with place.engine(workflows=[]) as engine:
        for change, words in WRONG:
            wrong = {name: value for name, value in {**EVENT, **change}.items() if value is not ...}
            with pytest.raises(CloudEventError, match=words):
                await engine.publish_event(wrong)
        assert await engine.publish_event(EVENT)


async def test_an_event_comes_once(place):
    """Also when it is sent several times at once, and by the next engine; source and id together tell events apart."""
    async with place.engine(workflows=[]) as engine:
        assert sorted(await asyncio.gather(*(engine.publish_event(EVENT) for _ in range(20)))) == [False] * 19 + [True]
        assert await engine.publish_event({**EVENT, "source": "elsewhere"})
    async with place.engine(workflows=[]) as engine:
        assert not await engine.publish_event({**EVENT, "data": "other"})
        assert await engine.publish_event({**EVENT, "id": "2"})
        assert (await engine.runs()).runs == []


async def test_an_event_that_is_too_large_is_refused(place):
    """It is said to whoever sends it, and to a document that emits it."""
    document = load("do: [{e: {emit: {event: {with: {type: big, data: '${ . + . }'}}}}}]")
    async with place.engine(workflows=[document.as_workflow()], max_payload_bytes=65_536) as engine:
        with pytest.raises(PayloadError, match="too large"):
            await engine.publish_event({**EVENT, "data": "x" * 70_000})
        with pytest.raises(WorkflowFailedError, match="too large"):
            await (await engine.start(document.qualified_name, "x" * 40_000)).result(SOON)


LISTENING: list[tuple[str, list[tuple[str, Any]], list[Any]]] = [
    ("{one: {with: {type: b}}}", [("a", 0), ("b", 1), ("b", 2)], [1]),
    ("{any: []}", [("whatever", 1)], [1]),
    ("{any: [{with: {type: a}}, {with: {type: b}}]}", [("c", 0), ("b", 1), ("a", 2)], [1]),
    ("{all: [{with: {type: a}}, {with: {type: b}}]}", [("b", 1), ("b", 2), ("a", 3)], [1, 3]),
    ("{any: [], until: 'length > 2'}", [("a", n) for n in range(5)], [0, 1, 2]),
    ("{any: [], until: {all: [{with: {type: x}}, {with: {type: y}}]}}", [("a", 1), ("x", 2), ("b", 4), ("y", 5)], [1, 4]),
    ("{one: {with: {type: 'o.*'}, correlate: {k: {from: '.data.n + 1', expect: '${ .n + 1 }'}}}}",
     [("o1", {"n": 1}), ("o2", {"n": 7}), ("o3", {"n": 7})], [{"n": 7}]),
    ("{all: [{with: {type: a}, correlate: {k: {from: .data.n}}}, {with: {type: b}, correlate: {k: {from: .data.n}}}]}",
     [("a", {"n": 1}), ("b", {"n": 2}), ("b", {"n": 1})], [{"n": 1}, {"n": 1}]),
]  # fmt: skip


async def test_a_document_listens(place):
    """Strategies and correlations mean the same wherever it runs; the history shows what came."""
    documents = [load(f"do: [{{w: {{listen: {{to: {to}}}}}}}]", f"case{n}") for n, (to, _, _) in enumerate(LISTENING)]
    async with place.engine(workflows=[each.as_workflow() for each in documents]) as engine:
        for document, (to, sent, expected) in zip(documents, LISTENING, strict=True):
            handle = await engine.start(document.qualified_name, {"n": 7}, id=document.name)
            await listens(place, handle)
            for number, (kind, data) in enumerate(sent):
                assert await engine.publish_event(event(kind, data, id=f"{document.name} {number}"))
            assert await handle.result(SOON) == expected, to
            received = [each for each in await handle.history() if each.type == "event_received"]
            assert len(received) >= len(expected)


async def test_events_come_in_order_while_others_are_processed(place):
    """Each goes through the tasks of `foreach` once; none is lost although each takes a while."""

    @step
    async def note(n: int) -> int:
        await asyncio.sleep(0.01)
        return n

    document = load(
        "do: [{w: {listen: {to: {any: [{with: {type: n}}], until: 'length == 12'}}, foreach: {do: [{k: {call: note, with: {n: '${ . }'}}}]}}}]"
    )
    async with place.engine(workflows=[document.as_workflow(Steps([note]))]) as engine:
        handle = await engine.start(document.qualified_name, id="r")
        await listens(place, handle)
        for n in range(12):
            await engine.publish_event(event("n", n))
        assert await handle.result(SOON) == list(range(12))


async def test_only_those_who_listen_hear_an_event(place):
    """What came before, and what comes after the end, goes by; each listener hears it once."""
    document = load("do: [{w: {listen: {to: {one: {with: {type: a}}}}}}]")
    async with place.engine(workflows=[document.as_workflow()]) as engine:
        assert await engine.publish_event(event("a", 0))
        handles = [await engine.start(document.qualified_name, id=f"r{n}") for n in range(5)]
        for handle in handles:
            await listens(place, handle)
        assert await engine.publish_event(event("a", 1))
        assert [await handle.result(SOON) for handle in handles] == [[1]] * 5
        later = await engine.start(document.qualified_name, id="later")
        await listens(place, later)
        assert not await engine.publish_event(event("a", 1))
        await engine.publish_event(event("a", 2))
        assert await later.result(SOON) == [2]


async def test_a_listener_begins_before_what_is_asked_for_after_it(place):
    """So that the answer to a request cannot come too early."""
    engines: list[Any] = []

    @step
    async def ask(n: int) -> None:
        await engines[0].publish_event(event("answer", n))

    document = load("""
do:
  - both:
      fork:
        branches:
          - hear: {listen: {to: {one: {with: {type: answer}}}}}
          - ask: {call: ask, with: {n: 42}}
  - got: {set: {got: '${ .[0][0] }'}}
""")
    async with place.engine(workflows=[document.as_workflow(Steps([ask]))]) as engine:
        engines.append(engine)
        for n in range(3):
            handle = await engine.start(document.qualified_name, id=f"r{n}")
            if n:
                await listens(place, handle)  # the event is known: its step publishes nothing new
                await engine.publish_event(event("answer", 42, id=f"again {n}"))
            assert await handle.result(SOON) == {"got": 42}


async def test_a_run_hears_what_others_emit(place):
    """And a chain of them ends."""
    first = load(
        "do: [{a: {emit: {event: {with: {type: ping, data: {n: '${ .n }'}}}}}}, {b: {set: {done: '${ .type }'}}}]",
        "first",
    )
    second = load(
        "do: [{w: {listen: {to: {one: {with: {type: ping}}}}}}, {e: {emit: {event: {with: {type: pong, data: '${ .[0] }'}}}}}]",
        "second",
    )
    third = load("do: [{w: {listen: {to: {one: {with: {type: pong}}}}}}]", "third")
    async with place.engine(workflows=[each.as_workflow() for each in (first, second, third)]) as engine:
        handles = [await engine.start(each.qualified_name, id=each.name) for each in (second, third)]
        for handle in handles:
            await listens(place, handle)
        assert await (await engine.start(first.qualified_name, {"n": 5}, id="first")).result(SOON) == {"done": "ping"}
        assert await handles[1].result(SOON) == [{"n": 5}]
        kinds = [each.type for each in await engine.handle("second").history()]
        assert [kind for kind in kinds if kind.startswith("event_")] == ["event_received", "event_published"]
        left = await engine.handle("second").export_history()
        assert replay(left, second.as_workflow()).status is RunStatus.COMPLETED


async def test_who_is_cancelled_or_terminated_hears_nothing_and_keeps_nobody_from_it(place):
    """Nor does one whose time is over."""
    document = load("do: [{w: {listen: {to: {one: {with: {type: a}}}}}}]")
    hasty = load(
        "do: [{t: {try: [{w: {listen: {to: {one: {with: {type: a}}}}, timeout: {after: {milliseconds: 50}}}}], catch: {do: [{s: {set: {late: true}}}]}}}]",
        "hasty",
    )
    async with place.engine(workflows=[document.as_workflow(), hasty.as_workflow()]) as engine:
        late = await engine.start(hasty.qualified_name, id="late")
        handles = [await engine.start(document.qualified_name, id=f"r{n}") for n in range(3)]
        for handle in handles:
            await listens(place, handle)
        await handles[0].cancel()
        with pytest.raises(WorkflowCancelledError):
            await handles[0].result(SOON)
        await handles[1].terminate()
        assert await late.result(SOON) == {"late": True}
        assert await engine.publish_event(event("a", 1))
        assert await handles[2].result(SOON) == [1]
        assert [e.type for e in await handles[0].history() if e.type == "event_received"] == []


async def test_a_paused_run_keeps_what_comes(place):
    """It goes on with it when it is resumed."""
    document = load("do: [{w: {listen: {to: {one: {with: {type: a}}}}}}, {b: {call: say}}]")

    @step
    async def say() -> str:
        return "heard"

    async with place.engine(workflows=[document.as_workflow(Steps([say]))]) as engine:
        handle = await engine.start(document.qualified_name, id="r")
        await listens(place, handle)
        await handle.pause()
        await engine.publish_event(event("a", 1))
        await place.until(lambda: _has(handle, "event_received"))
        assert (await handle.status()).status is RunStatus.PAUSED
        await handle.resume()
        assert await handle.result(SOON) == "heard"


async def _has(handle, kind: str) -> bool:
    return any(each.type == kind for each in await handle.history())


async def test_an_expression_that_fails_for_an_event_keeps_nobody_from_it(place):
    """It does not match, and others hear the event."""
    document = load(
        "do: [{w: {listen: {to: {one: {with: {type: a}, correlate: {word: {from: '.data | keys | .[0]'}}}}}}}]"
    )
    async with place.engine(workflows=[document.as_workflow()]) as engine:
        handle = await engine.start(document.qualified_name, None, id="r")
        await listens(place, handle)
        assert await engine.publish_event(event("a", 7))
        assert await engine.publish_event(event("a", {"a": 1}))
        assert await handle.result(SOON) == [{"a": 1}]


async def test_who_listens_goes_on_after_a_restart(place):
    """What it hears in the next engine is what it listened for in the last one."""
    document = load("do: [{w: {listen: {to: {all: [{with: {type: a}}, {with: {type: b}}]}}}}]")
    async with place.engine(workflows=[document.as_workflow()]) as engine:
        handle = await engine.start(document.qualified_name, id="r")
        await listens(place, handle)
        await engine.publish_event(event("a", 1))
        await place.until(lambda: _has(handle, "event_received"))
        await listens(place, handle)  # a cluster waits for what a worker has begun with when it closes
    async with place.engine(workflows=[document.as_workflow()]) as engine:
        assert not await engine.publish_event(event("a", 1))
        await engine.publish_event(event("b", 2))
        assert await engine.handle("r").result(SOON) == [1, 2]


async def test_a_fork_listens_by_itself(place):
    """It has heard what came before the step that it was forked at, and hears what comes."""

    @step
    async def say() -> str:
        return "x"

    document = load(
        "do: [{w: {listen: {to: {one: {with: {type: a}}}}}}, {s: {call: say}}, {v: {listen: {to: {one: {with: {type: b}}}}}}]"
    )
    async with place.engine(workflows=[document.as_workflow(Steps([say]))]) as engine:
        handle = await engine.start(document.qualified_name, id="r")
        await listens(place, handle)
        await engine.publish_event(event("a", 1))
        await place.until(lambda: _has(handle, "step_completed"))
        await listens(place, handle)
        fork = await engine.fork("r", step=1)
        await listens(place, fork)
        await engine.publish_event(event("b", 2))
        assert [await each.result(SOON) for each in (handle, fork)] == [[2], [2]]


ON = "schedule: {on: {one: {with: {type: KIND}}}}\ndo: [{a: {set: {got: '${ $workflow.input }'}}}]"


async def outputs(place, engine, document: WorkflowDocument, count: int) -> list[Any]:
    """Return what the runs of a document got, once so many have ended."""
    runs: list[Any] = []

    async def ended() -> bool:
        runs[:] = (await engine.runs(workflow=document.qualified_name)).runs
        return sum(run.status is RunStatus.COMPLETED for run in runs) >= count

    await place.until(ended)
    return sorted([(await engine.handle(run.id).result(SOON))["got"] for run in runs])


@pytest.mark.capability("event-schedules")
async def test_events_start_runs_and_are_their_input(place, monkeypatch: pytest.MonkeyPatch):
    """One for each, also of a burst in which the history of the run that listens begins anew; a repetition starts nothing."""
    monkeypatch.setattr("maestro_workflow_engine.dsl._scheduling.ROUNDS", 3)
    document, other = load(ON.replace("KIND", "a")), load(ON.replace("KIND", "b"), "other")
    async with place.engine(workflows=[document.as_workflow(), other.as_workflow()]) as engine:
        schedules = DocumentSchedules(engine)
        await schedules.put(document)
        await schedules.put(other)
        await asyncio.gather(*(engine.publish_event(event("a", n)) for n in range(8)))
        await engine.publish_event(event("b", 9))
        await engine.publish_event(event("a", 0))
        assert await outputs(place, engine, document, 8) == [[n] for n in range(8)]
        assert await outputs(place, engine, other, 1) == [[9]]


@pytest.mark.capability("event-schedules")
async def test_a_new_version_takes_over_without_a_gap(place):
    """From the return of `put` on, its events start it, and those of the version before start nothing."""
    first, second = load(ON.replace("KIND", "a")), load(ON.replace("KIND", "b"), version="1.1.0")
    async with place.engine(workflows=[first.as_workflow(), second.as_workflow()]) as engine:
        await DocumentSchedules(engine).put(first)
        await engine.publish_event(event("a", 1))
        assert await outputs(place, engine, first, 1) == [[1]]
        await DocumentSchedules(engine).put(second)
        await engine.publish_event(event("a", 2))
        await engine.publish_event(event("b", 3))
        assert await outputs(place, engine, second, 2) == [[1], [3]]
        await DocumentSchedules(engine).remove("test", "sample")
        await place.until(lambda: _nothing_runs(engine))


async def _nothing_runs(engine) -> bool:
    return not (await engine.runs(status="running")).runs


@pytest.mark.capability("lifecycle")
async def test_a_run_tells_what_happens_to_it(place):
    """In order, each once, to whoever listens: also that it is paused."""
    told = load("do: [{w: {listen: {to: {one: {with: {type: go}}}}}}]", "told")
    hears = load(
        "do: [{w: {listen: {to: {any: [{with: {type: 'io\\..*'}}], until: {one: {with: {type: io.serverlessworkflow.workflow.completed.v1}}}}, read: envelope}}}]",
        "hears",
    )
    async with place.engine(workflows=[told.as_workflow(lifecycle_events=True), hears.as_workflow()]) as engine:
        listener = await engine.start(hears.qualified_name, id="l")
        await listens(place, listener)
        handle = await engine.start(told.qualified_name, id="r")
        await listens(place, handle)
        await handle.pause()
        await handle.resume()
        await engine.publish_event(event("go"))
        await handle.result(SOON)
        heard = [each["type"].split(".", 2)[2] for each in await listener.result(SOON)]
    assert heard == [
        "workflow.started.v1", "task.created.v1", "task.started.v1", "workflow.suspended.v1", "task.suspended.v1",
        "workflow.resumed.v1", "task.resumed.v1", "task.completed.v1",
    ]  # fmt: skip


class Sink:
    def __init__(self, refusals: int = 0) -> None:
        self.got: list[str] = []
        self._refusals = refusals

    async def send(self, event: Mapping[str, Any]) -> None:
        if self._refusals:
            self._refusals -= 1
            raise EventSinkError("not yet")
        self.got.append(event["type"])


@pytest.mark.capability("event-sink")
async def test_what_runs_emit_goes_to_the_sink_in_order(place):
    """It is offered until it is taken; what comes from outside does not go there."""
    document = load(
        "do: [" + ", ".join(f"{{e{n}: {{emit: {{event: {{with: {{type: t{n}}}}}}}}}}}" for n in range(5)) + "]"
    )
    sink = Sink(refusals=2)
    async with place.engine(workflows=[document.as_workflow()], event_sink=sink) as engine:
        await engine.publish_event(EVENT)
        await (await engine.start(document.qualified_name, id="r")).result(SOON)
        await place.until(lambda: _so_many(sink, 5))
    assert sink.got == [f"t{n}" for n in range(5)]


@pytest.mark.capability("event-sink")
async def test_what_leaves_carries_the_run_and_its_trace(place):
    """An event in the sink has the run as its key and the run's trace, unless it says otherwise; those who listen hear it as it was emitted."""
    listener = load(
        "do: [{a: {listen: {to: {all: [{with: {type: plain}}, {with: {type: own}}]}, read: envelope}}}]", "hears"
    )
    own = "{type: own, partitionkey: mine, traceparent: theirs}"
    emitter = load(
        f"do: [{{a: {{emit: {{event: {{with: {{type: plain, data: 1.10}}}}}}}}}}, {{b: {{emit: {{event: {{with: {own}}}}}}}}}]"
    )
    sink = Whole()
    context = trace.set_span_in_context(trace.NonRecordingSpan(SpanContext(0xAB, 0xCD, True, TraceFlags(1))))
    async with place.engine(workflows=[listener.as_workflow(), emitter.as_workflow()], event_sink=sink) as engine:
        hearing = await engine.start(listener.qualified_name, id="hears")
        await listens(place, hearing)
        token = attach(context)
        try:
            run = await engine.start(emitter.qualified_name, id="emits")
        finally:
            detach(token)
        await run.result(SOON)
        heard = await hearing.result(SOON)
        await place.until(lambda: _has_both(sink))
    first, second = sink.got
    assert (first["partitionkey"], first["traceparent"]) == ("emits", f"00-{0xAB:032x}-{0xCD:016x}-01")
    assert (second["partitionkey"], second["traceparent"]) == ("mine", "theirs")
    assert {name: value for name, value in first.items() if name not in ("partitionkey", "traceparent")} == heard[0]
    assert second == heard[1]


class Whole:
    """A sink that keeps the events as they are."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def send(self, event: Mapping[str, Any]) -> None:
        self.got.append(event)


async def _has_both(sink: Whole) -> bool:
    return len(sink.got) >= 2


async def _so_many(sink: Sink, count: int) -> bool:
    return len(sink.got) >= count


@pytest.mark.capability("event-sink")
async def test_what_waits_for_the_sink_is_offered_by_the_next_engine(place):
    """Nothing of it is lost."""
    document = load("do: [{e: {emit: {event: {with: {type: a}}}}}]")
    async with place.engine(workflows=[document.as_workflow()], event_sink=Sink(10**6)) as engine:
        await (await engine.start(document.qualified_name, id="r")).result(SOON)
    sink = Sink()
    async with place.engine(workflows=[document.as_workflow()], event_sink=sink) as engine:
        await place.until(lambda: _so_many(sink, 1))
    assert sink.got[0] == "a"
