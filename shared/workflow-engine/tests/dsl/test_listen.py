"""`listen`: which events are consumed, how they are read, and when the task is over."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from listening import LIMIT, event, heard, listens, running

from maestro_workflow_engine import WorkflowCancelledError, WorkflowEngine, WorkflowFailedError
from maestro_workflow_engine.dsl import DocumentError

Load = Callable[..., Any]


async def test_one_event_is_consumed_and_the_output_is_a_list(load: Load) -> None:
    """`one` takes the first event that matches; others pass by; the output is an array of data."""
    document = load("do: [{wait: {listen: {to: {one: {with: {type: order.paid}}}}}}]")
    events = [event("order.made", {"n": 0}), event("order.paid", {"n": 1}), event("order.paid", {"n": 2})]
    assert await heard(document, events) == [{"n": 1}]


async def test_any_takes_the_first_that_matches_one_of_its_filters(load: Load) -> None:
    """Without `until`, one event is enough."""
    document = load("do: [{wait: {listen: {to: {any: [{with: {type: a}}, {with: {type: b}}]}}}}]")
    assert await heard(document, [event("c", 0), event("b", 1), event("a", 2)]) == [1]


async def test_any_without_filters_hears_everything(load: Load) -> None:
    """An empty `any` listens to all events, whatever their type."""
    document = load("do: [{wait: {listen: {to: {any: []}}}}]")
    assert await heard(document, [event("whatever", 1)]) == [1]


async def test_all_takes_one_event_for_each_filter_in_the_order_of_arrival(load: Load) -> None:
    """A second event for a filter that has its event is not consumed."""
    document = load("do: [{wait: {listen: {to: {all: [{with: {type: a}}, {with: {type: b}}]}}}}]")
    assert await heard(document, [event("b", 1), event("b", 2), event("a", 3)]) == [1, 3]


async def test_an_event_counts_for_one_filter_of_all(load: Load) -> None:
    """The same filter twice waits for two events."""
    document = load("do: [{wait: {listen: {to: {all: [{with: {type: a}}, {with: {type: a}}]}}}}]")
    assert await heard(document, [event("a", 1), event("a", 2)]) == [1, 2]


async def test_all_of_nothing_is_complete(load: Load) -> None:
    """There is nothing to wait for."""
    document = load("do: [{wait: {listen: {to: {all: []}}}}]")
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()]) as engine:
        assert await (await engine.start(document.qualified_name)).result(LIMIT) == []


async def test_until_is_asked_after_each_event(load: Load) -> None:
    """The condition sees the list of what has been consumed, the last event included."""
    document = load("do: [{wait: {listen: {to: {any: [], until: '(. | length) > 2'}}}}]")
    assert await heard(document, [event("a", n) for n in range(5)]) == [0, 1, 2]


async def test_events_of_until_are_not_in_the_output(load: Load) -> None:
    """A strategy in `until` ends the task with events of its own, even where `any` would take them."""
    document = load("do: [{wait: {listen: {to: {any: [], until: {all: [{with: {type: x}}, {with: {type: y}}]}}}}}]")
    events = [event("a", 1), event("x", 2), event("x", 3), event("b", 4), event("y", 5)]
    assert await heard(document, events) == [1, 3, 4]


@pytest.mark.parametrize(
    ("read", "attributes", "expected"),
    [
        ("data", {"data": {"n": 1}}, {"n": 1}),
        ("data", {}, None),
        ("data", {"data_base64": "eyJuIjoxfQ=="}, {"n": 1}),
        ("data", {"data_base64": "eyJuIjoxfQ==", "datacontenttype": "image/png"}, "eyJuIjoxfQ=="),
        ("raw", {"data": {"n": [1, None]}}, '{"n":[1,null]}'),
        ("raw", {"data": "plain", "datacontenttype": "text/plain"}, "plain"),
        ("raw", {"data": "plain"}, '"plain"'),
        ("raw", {"data_base64": "eyJuIjoxfQ==", "datacontenttype": "image/png"}, '{"n":1}'),
        ("raw", {"data_base64": "/w==", "datacontenttype": "image/png"}, "/w=="),
        ("raw", {}, None),
    ],
)
async def test_events_are_read_as_the_task_says(
    load: Load, read: str, attributes: dict[str, Any], expected: Any
) -> None:
    """Data is a JSON value, raw is text."""
    document = load(f"do: [{{wait: {{listen: {{to: {{any: []}}, read: {read}}}}}}}]")
    assert await heard(document, [event("a", **attributes)]) == [expected]


async def test_an_envelope_is_the_whole_event(load: Load) -> None:
    """With its attributes, extensions included."""
    document = load("do: [{wait: {listen: {to: {any: []}, read: envelope}}}]")
    sent = {"specversion": "1.0", **event("a", {"n": 1}, roomid="r1")}
    assert await heard(document, [sent]) == [sent]


@pytest.mark.parametrize(
    ("wanted", "attributes", "matches"),
    [
        ("type: order.paid", {"type": "order.paid"}, True),
        ("type: order.paid", {"type": "orderXpaid"}, False),
        ("type: order\\..*", {"type": "order.paid"}, True),
        ("type: order\\..*", {"type": "my.order.paid"}, False),
        ("source: https://x.y/a", {"source": "https://x.y/a"}, True),
        ("source: 'https://x.y/a?b=1'", {"source": "https://x.y/a?b=1"}, True),
        ("subject: '${ startswith(\"ab\") }'", {"subject": "abc"}, True),
        ("subject: '${ startswith(\"ab\") }'", {"subject": "xyz"}, False),
        ("subject: '${ startswith(\"ab\") }'", {}, False),
        ("subject: '${ $workflow.input.id }'", {"subject": "17"}, True),
        ("subject: '${ $workflow.input.id }'", {"subject": "18"}, False),
        ("subject: '${ $workflow.input.id + \"\" }'", {"subject": "17"}, True),
        ("subject: '${ $workflow.input.none }'", {"subject": "17"}, False),
        ("priority: 3", {"priority": 3}, True),
        ("priority: 3", {"priority": 4}, False),
        ("urgent: true", {"urgent": True}, True),
        ("urgent: true", {"urgent": 1}, False),
        ("data: '${ .t > 38 }'", {"data": {"t": 39}}, True),
        ("data: '${ .t > 38 }'", {"data": {"t": 38}}, False),
        ("data: '${ .t > 38 }'", {"data": "no object"}, False),
        ("data: '${ .t > 38 }'", {}, False),
        ("data: {kind: big, more: {n: '${ . > 1 }'}}", {"data": {"kind": "big", "more": {"n": 2}, "x": 0}}, True),
        ("data: {kind: big, more: {n: '${ . > 1 }'}}", {"data": {"kind": "big", "more": {"n": 1}}}, False),
        ("data: [1, '${ . > 1 }']", {"data": [1.0, 2]}, True),
        ("data: [1]", {"data": [1, 2]}, False),
    ],
)
async def test_attributes_match_by_value_pattern_or_expression(
    load: Load, wanted: str, attributes: dict[str, Any], matches: bool
) -> None:
    """What does not match is passed over; the event that ends the test always matches."""
    document = load(
        f"do: [{{w: {{listen: {{to: {{any: [{{with: {{{wanted}}}}}, {{with: {{id: last}}}}]}}, read: envelope}}}}}}]"
    )
    sent = {"id": "first", "source": "s", "type": "t", **attributes}
    (consumed,) = await heard(document, [sent, {"id": "last", "source": "s", "type": "end"}], {"id": "17"})
    assert consumed["id"] == ("first" if matches else "last")


async def test_a_correlation_with_an_expectation_takes_only_what_meets_it(load: Load) -> None:
    """`expect` is a constant, or an expression on the task's input; `from` looks at the whole event."""
    document = load(
        "do: [{w: {listen: {to: {all: ["
        "{with: {type: a}, correlate: {order: {from: .data.order, expect: '${ .order }'}}},"
        "{with: {type: b}, correlate: {kind: {from: '${ .kind }', expect: big}}}]}}}}]"
    )
    events = [
        event("a", {"order": 1}), event("b", 2, kind="small"), event("b", 3), event("b", 4, kind="big"), event("a", {"order": 7}),
    ]  # fmt: skip
    assert await heard(document, events, {"order": 7}) == [4, {"order": 7}]


async def test_without_an_expectation_the_first_event_sets_it(load: Load) -> None:
    """Filters that correlate by the same name want the same value."""
    document = load(
        "do: [{w: {listen: {to: {all: ["
        "{with: {type: temperature}, correlate: {roomId: {from: .roomid}}},"
        "{with: {type: humidity}, correlate: {roomId: {from: .roomid}}}]}}}}]"
    )
    events = [
        event("humidity", 0), event("temperature", 1, roomid="r1"), event("humidity", 2, roomid="r2"), event("humidity", 3, roomid="r1"),
    ]  # fmt: skip
    assert await heard(document, events) == [1, 3]


async def test_each_event_is_processed_before_the_next(load: Load) -> None:
    """`foreach` binds item and index, transforms what its tasks give, and exports to the context; events wait in line."""
    document = load(
        "do: [{w: {listen: {to: {any: [], until: '${ length == 3 }'}}, foreach: {item: e, at: i,"
        " do: [{pause: {wait: {milliseconds: 20}}}, {double: {set: {n: '${ $e.n * 2 }', i: '${ $i }', in: '${ .n }'}}}],"
        " output: {as: '${ . + {at: $i} }'}, export: {as: '${ ($context // []) + [.n] }'}}}},"
        " {all: {set: {list: '${ . }', context: '${ $context }'}}}]"
    )
    async with running(document) as (engine, handle):
        await asyncio.gather(*(engine.publish_event(event("a", {"n": n})) for n in range(3)))
        result = await handle.result(LIMIT)
    assert result == {
        "list": [{"n": 2 * n, "i": n, "in": n, "at": n} for n in range(3)],
        "context": [0, 2, 4],
    }


async def test_foreach_without_tasks_passes_the_events_on(load: Load) -> None:
    """Only its output transformation applies; the names are `item` and `index` by default."""
    document = load(
        "do: [{w: {listen: {to: {one: {with: {type: a}}}}, foreach: {output: {as: '${ [$index, $item] }'}}}}]"
    )
    assert await heard(document, [event("a", "x")]) == [[0, "x"]]


async def test_foreach_may_end_the_workflow_or_fail(load: Load) -> None:
    """`end` ends the workflow with the task's output; an error is the error of the task, and nobody listens any more."""
    ending = load(
        "do: [{w: {listen: {to: {any: [], until: 'false'}}, foreach: {do: [{x: {set: {e: '${ $item }'}, then: end}}]}}}]"
    )
    assert await heard(ending, [event("a", 1)]) == {"e": 1}
    failing = load(
        "do: [{w: {listen: {to: {any: [], until: 'false'}}, foreach: {do: [{x: {raise: {error: {type: 'a:b', status: 500}}}}]}}}]"
    )
    with pytest.raises(WorkflowFailedError):
        await heard(failing, [event("a", 1)])


async def test_a_timeout_ends_the_listening(load: Load) -> None:
    """The task's own timeout raises the standard error, which can be caught; later events go to nobody."""
    document = load(
        "do: [{t: {try: [{w: {listen: {to: {one: {with: {type: a}}}}, timeout: {after: {milliseconds: 50}}}}],"
        " catch: {do: [{late: {set: {status: '${ $error.status }'}}}]}}}]"
    )
    async with running(document) as (engine, handle):
        assert await handle.result(LIMIT) == {"status": 408}
        assert await engine.publish_event(event("a", 1))
        kinds = [each.type for each in await handle.history()]
    assert "event_received" not in kinds


async def test_branches_listen_side_by_side(load: Load) -> None:
    """An event goes to every branch that listens for it, once; a race leaves only the winner's."""
    document = load(
        "do: [{f: {fork: {branches: [{a: {listen: {to: {one: {with: {type: x}}}}}}, {b: {listen: {to: {any: []}}}}]}}}]"
    )
    async with running(document) as (engine, handle):
        await listens(handle, 2)
        await engine.publish_event(event("x", 1))
        assert await handle.result(LIMIT) == [[1], [1]]
        kinds = [each.type for each in await handle.history()]
    assert kinds.count("event_received") == 1
    race = load(
        "do: [{f: {fork: {compete: true, branches: [{a: {listen: {to: {one: {with: {type: x}}}}}},"
        " {b: {listen: {to: {one: {with: {type: y}}}}}}]}}}]"
    )
    assert await heard(race, [event("y", 2)]) == [2]


async def test_a_loop_misses_no_event_of_a_burst(load: Load) -> None:
    """Events that reach the run for a listen that had its own are kept for the next one that wants them."""
    document = load(
        "do: [{l: {for: {in: '${ [range(20)] }'}, do: [{w: {listen: {to: {one: {with: {type: a}}}}, output: {as: '${ .[0] }'},"
        " export: {as: '${ ($context // []) + [.] }'}}}]}}, {all: {set: {got: '${ $context }'}}}]"
    )
    async with running(document) as (engine, handle):
        await asyncio.gather(*(engine.publish_event(event("a", n)) for n in range(20)))
        assert sorted((await handle.result(LIMIT))["got"]) == list(range(20))


async def test_events_before_the_listening_are_not_heard(load: Load) -> None:
    """Nothing is kept for those who come later."""
    document = load("do: [{wait: {listen: {to: {one: {with: {type: a}}}}}}]")
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()]) as engine:
        await engine.publish_event(event("a", "before"))
        handle = await engine.start(document.qualified_name)
        await listens(handle)
        await engine.publish_event(event("a", "while"))
        assert await handle.result(LIMIT) == ["while"]


async def test_a_listener_survives_a_restart(load: Load, tmp_path: Path) -> None:
    """The journal knows who listens; what was consumed before is not asked for again."""
    document = load("do: [{wait: {listen: {to: {any: [], until: 'length == 3'}}}}]")
    url = f"sqlite:///{tmp_path}/journal.db"
    async with running(document, url=url) as (engine, _):
        await engine.publish_event(event("a", 1))
    async with WorkflowEngine(url, workflows=[document.as_workflow()]) as engine:
        await engine.publish_event(event("a", 2))
        assert not await engine.publish_event(event("a", 1))
    async with WorkflowEngine(url, workflows=[document.as_workflow()]) as engine:
        await engine.publish_event(event("a", 3))
        assert await engine.handle("run-1").result(LIMIT) == [1, 2, 3]


def listeners(path: Path) -> int:
    """Count who listens, as the journal has it."""
    with closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute("SELECT count(*) FROM subscriptions").fetchone()[0]
    return count


async def test_whoever_stops_listening_leaves_nothing_behind(load: Load, tmp_path: Path) -> None:
    """A cancellation, the workflow's own timeout, and a termination each end the listening for good."""
    long = load("do: [{w: {listen: {to: {any: []}}}}]")
    short = load(
        "document: {dsl: '1.0.3', namespace: test, name: short, version: 1.0.0}\n"
        "timeout: {after: {milliseconds: 50}}\ndo: [{w: {listen: {to: {one: {with: {type: a}}}}}}]"
    )
    url = f"sqlite:///{tmp_path}/journal.db"
    async with WorkflowEngine(url, workflows=[long.as_workflow(), short.as_workflow()]) as engine:
        cancelled, terminated = [await engine.start(long.qualified_name) for _ in range(2)]
        late = await engine.start(short.qualified_name)
        with pytest.raises(WorkflowFailedError, match="timeout"):
            await late.result(LIMIT)
        await listens(cancelled)
        await listens(terminated)
        await cancelled.cancel()
        await terminated.terminate("enough")
        with pytest.raises(WorkflowCancelledError):
            await cancelled.result(LIMIT)
        assert await engine.publish_event(event("a", 1))
    assert listeners(tmp_path / "journal.db") == 0


async def test_a_paused_run_keeps_what_comes(load: Load, tmp_path: Path) -> None:
    """It goes on with it once it is resumed, and then listens no more."""
    document = load(
        "do: [{w: {listen: {to: {one: {with: {type: a}}}}}}, {s: {listen: {to: {one: {with: {type: b}}}}}}]"
    )
    async with running(document, url=f"sqlite:///{tmp_path}/journal.db") as (engine, handle):
        await handle.pause("for a while")
        await engine.publish_event(event("a", 1))
        await handle.resume()
        await engine.publish_event(event("a", 2))
        await engine.publish_event(event("b", 3))
        assert await handle.result(LIMIT) == [3]
        received = [each for each in await handle.history() if each.type == "event_received"]
    assert [each.data["event"]["data"] for each in received] == [1, 3]
    assert listeners(tmp_path / "journal.db") == 0


async def test_an_imported_run_listens_on_its_own(load: Load) -> None:
    """A copy of a listening run hears the same event as the first one."""
    document = load("do: [{e: {emit: {event: {with: {type: x}}}}}, {w: {listen: {to: {one: {with: {type: a}}}}}}]")
    async with running(document) as (engine, handle):
        copy = await engine.import_run(await handle.export_history(), id="copy")
        await listens(copy)
        await engine.publish_event(event("a", 1))
        assert await handle.result(LIMIT) == await copy.result(LIMIT) == [1]


@pytest.mark.parametrize(
    ("to", "path", "words"),
    [
        ("{}", "/do/0/w/listen/to", "exactly one of"),
        ("{one: {with: {}}}", "/do/0/w/listen/to/one/with", "names no attribute"),
        ("{one: {}}", "/do/0/w/listen/to/one", "'with' is missing"),
        ("{one: {with: {roomId: a}}}", "/do/0/w/listen/to/one/with/roomId", "no attribute of a CloudEvent"),
        ("{one: {with: {type: [a]}}}", "/do/0/w/listen/to/one/with/type", "must be text"),
        ("{one: {with: {type: a}}, until: 'true'}", "/do/0/w/listen/to/until", "goes together with 'any'"),
        ("{any: [], until: {any: [], until: 'true'}}", "/do/0/w/listen/to/until/until", "no 'until' of its own"),
        ("{one: {with: {type: a}, correlate: {x: {expect: a}}}}", "/do/0/w/listen/to/one/correlate/x", "'from' is missing"),
        ("{one: {with: {data: '${ now }'}}}", "/do/0/w/listen/to/one/with/data", "'now'"),
    ],
)  # fmt: skip
def test_faults_name_their_place(load: Load, to: str, path: str, words: str) -> None:
    """A document that cannot listen is refused."""
    with pytest.raises(DocumentError) as caught:
        load(f"do: [{{w: {{listen: {{to: {to}}}}}}}]")
    assert [fault.path for fault in caught.value.faults] == [path]
    assert words in str(caught.value)
