"""Traps of flow: directives, loops, branches, errors, retries, timeouts (dsl.md, "Task Flow" and "Fault Tolerance")."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import WorkflowEngine, step
from maestro_workflow_engine.dsl import DocumentError, Steps, TaskError, load_document

LIMIT = timedelta(seconds=40)
HEAD = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"


def say(word: str, then: str = "") -> str:
    """Return a task that adds a word to the list that comes in."""
    return f"{{set: '${{ . + [\"{word}\"] }}'{f', then: {then}' if then else ''}}}"


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        # exit leaves the list it stands in, whatever that belongs to
        (f"[{{a: {{do: [{{b: {say('b', 'exit')}}}, {{c: {say('c')}}}]}}}}, {{d: {say('d')}}}]", "bd"),
        (f"[{{a: {{try: [{{b: {say('b', 'exit')}}}, {{c: {say('c')}}}], catch: {{}}}}}}, {{d: {say('d')}}}]", "bd"),
        (
            f"[{{a: {{for: {{in: '[1, 2]'}}, do: [{{b: {say('b', 'exit')}}}, {{c: {say('c')}}}]}}}}, {{d: {say('d')}}}]",
            "bbd",
        ),
        # end leaves everything
        (f"[{{a: {{do: [{{b: {say('b', 'end')}}}, {{c: {say('c')}}}]}}}}, {{d: {say('d')}}}]", "b"),
        (f"[{{a: {{for: {{in: '[1, 2]'}}, do: [{{b: {say('b', 'end')}}}]}}}}, {{d: {say('d')}}}]", "b"),
        # the directive of a task that holds others applies once they are done
        (f"[{{a: {{do: [{{b: {say('b', 'exit')}}}], then: d}}}}, {{c: {say('c')}}}, {{d: {say('d')}}}]", "bd"),
        (f"[{{a: {{do: [{{b: {say('b')}}}], then: exit}}}}, {{c: {say('c')}}}]", "b"),
        # a name leads backwards and forwards
        (f"[{{a: {say('a', 'c')}}}, {{b: {say('b', 'exit')}}}, {{c: {say('c', 'b')}}}]", "acb"),
        (
            f"[{{a: {say('a')}}}, {{b: {{switch: [{{again: {{when: length < 3, then: a}}}}]}}}}, {{c: {say('c')}}}]",
            "aaac",
        ),
        # continue after the last task ends the list
        (f"[{{a: {{do: [{{b: {say('b', 'continue')}}}]}}}}, {{c: {say('c')}}}]", "bc"),
        # a skipped task leads to the next one
        (f"[{{a: {{if: 'false', set: '${{ [\"x\"] }}', then: end}}}}, {{b: {say('b')}}}]", "b"),
    ],
)
def test_directives_lead_where_the_text_says(execute: Callable[..., Any], tasks: str, said: str) -> None:
    """`continue`, `exit`, `end` and names, in every kind of list."""
    assert "".join(execute(f"do: {tasks}", [])) == said


@pytest.mark.parametrize(
    "tasks",
    [
        "[{a: {do: [{b: {set: {x: 1}, then: c}}]}}, {c: {set: {x: 1}}}]",
        "[{a: {do: [{b: {set: {x: 1}}}]}}, {c: {set: {x: 1}, then: b}}]",
        "[{a: {switch: [{x: {then: nowhere}}]}}]",
        "[{t: {try: [{a: {set: {x: 1}, then: h}}], catch: {do: [{h: {set: {x: 1}}}]}}}]",
        "[{f: {fork: {branches: [{a: {set: {x: 1}, then: b}}, {b: {set: {x: 1}}}]}}}]",
    ],
)
def test_directives_stay_in_their_own_list(load: Callable[..., Any], tasks: str) -> None:
    """A directive cannot lead to a task at another depth, nor from one branch to another."""
    with pytest.raises(DocumentError, match=r"no task named|leads to"):
        load(f"do: {tasks}")


def test_the_default_case_is_last_wherever_it_stands(execute: Callable[..., Any]) -> None:
    """A case without `when` is taken only when no other matches."""
    cases = "[{d: {then: no}}, {c: {when: .n > 1, then: yes}}]"
    source = f"do: [{{s: {{switch: {cases}}}}}, {{no: {{set: {{x: no}}, then: end}}}}, {{yes: {{set: {{x: yes}}}}}}]"
    assert [execute(source, {"n": n})["x"] for n in (1, 2)] == ["no", "yes"]


def test_a_loop_without_rounds_outputs_its_input(execute: Callable[..., Any]) -> None:
    """An empty collection, and a `while` that does not hold at once, leave the task's transformed input as its output."""
    for loop in ("for: {in: '[]'}", "for: {in: '[1]'}, while: 'false'"):
        assert execute(f"do: [{{l: {{input: {{from: .n}}, {loop}, do: [{{a: {{set: {{x: 1}}}}}}]}}}}]", {"n": 7}) == 7


def test_while_sees_the_item_and_what_the_last_round_left(execute: Callable[..., Any]) -> None:
    """`while` is asked before each round, with the round's item and index, about the output of the round before."""
    source = (
        "do: [{l: {for: {each: x, at: i, in: '[5, 6, 7, 8]'}, while: '. < 11 and $x < 8 and $i < 3',"
        " do: [{a: {set: '${ . + $x }'}}]}}]"
    )
    assert execute(source, 0) == 11


def test_the_collection_is_taken_once(execute: Callable[..., Any]) -> None:
    """`for.in` is evaluated on the task's input before the first round; what rounds do to the data changes no collection."""
    source = "do: [{l: {for: {in: .}, do: [{a: {set: '${ [9] + . }'}}]}}]"
    assert execute(source, [1, 2]) == [9, 9, 1, 2]


def test_each_branch_gets_the_forks_input(execute: Callable[..., Any]) -> None:
    """Branches start from the same input; a skipped one passes it on, and nulls keep their places."""
    branches = "[{a: {set: '${ .n + 1 }'}}, {b: {if: 'false', set: {x: 1}}}, {c: {set: '${ null }'}}]"
    source = f"do: [{{f: {{input: {{from: '{{n}}'}}, fork: {{branches: {branches}}}}}}}]"
    assert execute(source, {"n": 1, "m": 2}) == [2, {"n": 1}, None]


async def test_losers_of_a_race_are_cancelled_where_they_are() -> None:
    """With `compete`, the winner's output alone is the task's, and a loser's step is cancelled."""
    cancelled = asyncio.Event()

    @step(name="slow")
    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    document = load_document(
        HEAD
        + "do: [{f: {fork: {compete: true, branches: [{a: {call: slow}}, {b: {do: [{w: {wait: {milliseconds: 20}}}, {c: {set: {won: b}}}]}}]}}}]"
    )
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow(Steps([slow]))]) as engine:
        assert await (await engine.start(document.qualified_name)).result(LIMIT) == {"won": "b"}
        await asyncio.wait_for(cancelled.wait(), LIMIT.total_seconds())


@pytest.mark.parametrize(
    ("tasks", "instance"),
    [
        ("[{a: {raise: {error: {type: 'a:b', status: 1}}}}]", "/do/0/a"),
        ("[{x: {set: {y: 1}}}, {a: {do: [{b: {raise: {error: {type: 'a:b', status: 1}}}}]}}]", "/do/1/a/do/0/b"),
        (
            "[{t: {try: [{b: {raise: {error: {type: 'a:b', status: 1}}}}], catch: {errors: {with: {status: 2}}}}}]",
            "/do/0/t/try/0/b",
        ),
        (
            "[{t: {try: [{b: {raise: {error: {type: 'a:b', status: 1}}}}], catch: {do: [{c: {raise: {error: {type: 'a:c', status: 1}}}}]}}}]",
            "/do/0/t/catch/do/0/c",
        ),
        ("[{f: {fork: {branches: [{a: {raise: {error: {type: 'a:b', status: 1}}}}]}}}]", "/do/0/f/fork/branches/0/a"),
        ("[{l: {for: {in: '[1]'}, do: [{a: {raise: {error: {type: 'a:b', status: 1}}}}]}}]", "/do/0/l/do/0/a"),
        ("[{'a/b~c': {raise: {error: {type: 'a:b', status: 1}}}}]", "/do/0/a~1b~0c"),
    ],
)
def test_instance_points_at_the_task_that_failed(execute: Callable[..., Any], tasks: str, instance: str) -> None:
    """`instance` is the JSON Pointer of the task that raised the error, however deep it stands."""
    with pytest.raises(TaskError) as caught:
        execute(f"do: {tasks}")
    assert caught.value.error.instance == instance


def test_every_field_of_an_error_may_be_given(execute: Callable[..., Any]) -> None:
    """Type, title, detail and instance may be text or expressions; a caught error has exactly what was given."""
    error = "{type: '${ .kind }', status: 418, title: '${ \"T\" + .kind }', detail: plain, instance: /elsewhere}"
    source = f"do: [{{t: {{try: [{{a: {{raise: {{error: {error}}}}}}}], catch: {{as: e, do: [{{c: {{set: '${{ $e }}'}}}}]}}}}}}]"
    assert execute(source, {"kind": "x:y"}) == {
        "type": "x:y", "status": 418, "title": "Tx:y", "detail": "plain", "instance": "/elsewhere",
    }  # fmt: skip


def test_an_error_that_is_not_for_a_catch_goes_to_the_next_one(execute: Callable[..., Any]) -> None:
    """Filters and conditions that do not match let the error through to the `try` around it."""
    inner = "{try: [{a: {raise: {error: {type: 'a:b', status: 1}}}}], catch: {errors: {with: {status: 2}}, do: [{x: {set: {by: inner}}}]}}"
    source = f"do: [{{t: {{try: [{{u: {inner}}}], catch: {{when: $error.status == 1, do: [{{y: {{set: {{by: outer}}}}}}]}}}}}}]"
    assert execute(source) == {"by": "outer"}


def test_end_is_no_error(execute: Callable[..., Any]) -> None:
    """A `catch` around a task that says `end` catches nothing, and a race that ends the workflow ends it."""
    for task in ("try: [{a: {set: {x: 1}, then: end}}], catch: {do: [{c: {set: {x: caught}}}]}",
                 "fork: {compete: true, branches: [{a: {set: {x: 1}, then: end}}]}"):  # fmt: skip
        assert execute(f"do: [{{t: {{{task}}}}}, {{d: {{set: {{x: after}}}}}}]") == {"x": 1}


@pytest.mark.parametrize(("count", "runs"), [(0, 1), (1, 2), (3, 4)])
def test_count_is_how_often_it_is_tried_again(simulate: Callable[..., Any], count: int, runs: int) -> None:
    """`limit.attempt.count: 5` is "retrying 5 times": the first run is not one of them."""
    ran: list[int] = []

    @step(name="fails")
    async def fails() -> None:
        ran.append(1)
        raise ConnectionError("no")

    retry = f"{{delay: {{seconds: 1}}, limit: {{attempt: {{count: {count}}}}}}}"
    result = simulate(f"do: [{{t: {{try: [{{a: {{call: fails}}}}], catch: {{retry: {retry}}}}}}}]", steps=[fails])
    assert (len(ran), result.elapsed) == (runs, runs - 1)
    assert result.error is not None


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [("", [2, 2, 2, 2]), ("backoff: {constant: {}},", [2, 2, 2, 2]), ("backoff: {linear: {}},", [2, 4, 6, 8]),
     ("backoff: {exponential: {}},", [2, 4, 8, 16])],
)  # fmt: skip
def test_each_wait_is_as_long_as_the_backoff_says(simulate: Callable[..., Any], backoff: str, waits: list[int]) -> None:
    """Constant waits stay, linear ones grow by the delay, exponential ones double; jitter comes on top."""
    moments: list[float] = []

    @step(name="fails")
    async def fails() -> None:
        moments.append(asyncio.get_running_loop().time())
        raise ConnectionError("no")

    retry = f"{{delay: {{seconds: 2}}, {backoff} jitter: {{from: {{seconds: 0}}, to: {{seconds: 1}}}}, limit: {{attempt: {{count: 4}}}}}}"
    chances = [0.0, 0.25, 0.5, 0.75]
    simulate(
        f"do: [{{t: {{try: [{{a: {{call: fails}}}}], catch: {{retry: {retry}}}}}}}]", steps=[fails], chances=chances
    )
    found = [later - earlier for earlier, later in pairwise(moments)]
    assert found == pytest.approx([wait + chance for wait, chance in zip(waits, chances, strict=True)])


async def test_a_retry_is_a_durable_timer(tmp_path: Path) -> None:
    """The wait before a retry outlives the engine: after a restart the retry comes, and only what is left to try is tried."""
    ran: list[int] = []

    @step(name="flaky")
    async def flaky() -> str:
        ran.append(1)
        if len(ran) < 2:
            raise ConnectionError("not yet")
        return "done"

    document = load_document(
        HEAD
        + "do: [{t: {try: [{a: {call: flaky}}], catch: {retry: {delay: {milliseconds: 700}, limit: {attempt: {count: 1}}}}}}]"
    )
    url = f"sqlite:///{tmp_path / 'runs.db'}"

    def engine() -> WorkflowEngine:
        return WorkflowEngine(url, workflows=[document.as_workflow(Steps([flaky]))])

    async with engine() as running:
        handle = await running.start(document.qualified_name, id="r")
        async with asyncio.timeout(LIMIT.total_seconds()):
            while not any(event.data.get("step") == "flaky" for event in await handle.history()):
                await asyncio.sleep(0.005)
    async with engine() as running:
        assert await running.handle("r").result(LIMIT) == "done"
    assert len(ran) == 2


@pytest.mark.parametrize(
    "timeout", ["{after: {milliseconds: 30}}", "{after: PT0.03S}", "{after: '${ .limit }'}", "short"]
)
def test_a_timeout_is_an_error_of_its_task(execute: Callable[..., Any], timeout: str) -> None:
    """A task that runs out of time is interrupted with the standard error "timeout", status 408; it can be caught."""
    source = (
        "use: {timeouts: {short: {after: {milliseconds: 30}}}}\n"
        f"do: [{{t: {{try: [{{a: {{wait: {{hours: 1}}, timeout: {timeout}}}}}], catch: {{do: [{{c: {{set: '${{ $error }}'}}}}]}}}}}}]"
    )
    error = execute(source, {"limit": "PT0.03S"})
    assert error["type"].endswith("/timeout")
    assert (error["status"], error["instance"]) == (408, "/do/0/t/try/0/a")


def test_a_timeout_counts_everything_inside(simulate: Callable[..., Any]) -> None:
    """A task's timeout covers its retries and the waits between them; the workflow's covers all."""
    inner = "{try: [{a: {raise: {error: {type: 'a:b', status: 1}}}}], catch: {retry: {delay: {seconds: 10}}}, timeout: {after: {seconds: 25}}}"
    result = simulate(f"do: [{{t: {inner}}}]")
    assert (result.elapsed, result.error.error.instance) == (25, "/do/0/t")
    result = simulate(f"timeout: {{after: {{seconds: 12}}}}\ndo: [{{t: {inner}}}]")
    assert (result.elapsed, result.error.error.instance) == (12, "/")
    assert result.error.error.status == 408


def test_a_timeout_that_does_not_come_changes_nothing(execute: Callable[..., Any]) -> None:
    """A task that ends in time keeps its output, its directive and its export."""
    source = "do: [{a: {set: {x: 1}, timeout: {after: PT1H}, export: {as: .x}, then: c}}, {b: {set: {x: 2}}}, {c: {set: {x: '${ $context }'}}}]"
    assert execute(source) == {"x": 1}


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("PT1H30M", 5400), ("{hours: 1, minutes: 30}", 5400), ("P1DT1S", 86401), ("{milliseconds: 1500}", 1.5), ("P1W", 604800),
     ("'${ \"PT\" + (.n | tostring) + \"S\" }'", 9)],
)  # fmt: skip
def test_durations_are_read_in_every_form(simulate: Callable[..., Any], duration: str, seconds: float) -> None:
    """Properties add up, ISO 8601 text and expressions that give it mean the same; `wait` outputs its input."""
    result = simulate(f"do: [{{w: {{wait: {duration}}}}}]", {"n": 9})
    assert (result.elapsed, result.output) == (seconds, {"n": 9})
