"""Expressions that may take long: told apart by their text and data, run elsewhere, stopped, and kept as what they were."""

import asyncio
import json
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maestro_workflow_engine import WorkflowDefinitionError, WorkflowEngine, WorkflowHandle, step
from maestro_workflow_engine.dsl import ExpressionLimits, Steps, TaskError, load_document
from maestro_workflow_engine.dsl._expressions import HeavyExpressionError, compile_expression
from maestro_workflow_engine.dsl._jq import RESULT_LIMIT, compile_program
from maestro_workflow_engine.dsl._node import FaultLog, Node
from maestro_workflow_engine.dsl._weight import weight

LIMIT = timedelta(seconds=60)
HEAD = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
SCOPE = frozenset({"context", "input"})


def is_light(program: str, data: object = None) -> bool:
    node = Node(program, "/x", FaultLog({}))
    expression = compile_expression(node, program, SCOPE)
    assert not node.log.faults, node.log.faults
    try:
        expression.evaluate_light(data, {"context": None, "input": data})
    except HeavyExpressionError:
        return False
    return True


@pytest.mark.parametrize(
    "program",
    [
        ".a.b + 1",
        ".items | map(select(.n > 1)) | map(.name)",
        "[.items[] | {id: .n, run: $input.run, by: $context}]",
        ".n * .n * 2",
        '"\\(.n) of \\(.items | length)"',
        ".run = 1",
        ".a.b |= 2",
        "if .n == 1 then .a else .items end",
        ".items | sort_by(.n) | group_by(.name) | length",
        '.run // "none"',
        "$context + .",
        '.text | split(",") | join("; ")',
        "try error(1) catch .",
        ".items[1:]",
        'del(.run) | has("run")',
        ". as {a: $x} | $x",
    ],
)
def test_what_documents_usually_say_is_evaluated_at_once(program: str) -> None:
    """Selecting, counting, building and writing to plain places needs no other process."""
    assert is_light(program, {"a": {}, "n": 2, "items": [{"n": 1, "name": "x"}] * 3, "run": 7, "text": "a,b"})


@pytest.mark.parametrize(
    "program",
    [
        "[range(3)]",
        "def f: f; f",
        "[recurse]",
        "[..]",
        "until(true; .)",
        "reduce .[] as $x (0; .)",
        '.a | test("a+")',
        '"a,b" | split(","; null)',
        ".[5] = 1",
        ".[] |= 1",
        "[limit(1; .[])]",
        ".[0].a * 3",
        "walk(.)",
        ".[0].a * 2 // 1",
        "[.,.]|" * 30 + "1",
        "tojson|" * 30 + "1",
    ],
)
def test_what_nothing_bounds_is_evaluated_elsewhere(program: str) -> None:
    """Recursion, counting, folding, regular expressions, computed places and repeated text go to a helper process."""
    assert not is_light(program, [{"a": "x"}])


def test_the_length_of_the_data_counts() -> None:
    """The same program is light for little data and heavy for much, the heavier the more it may combine."""
    pairs = "map($input | map(. + 1))"
    assert is_light(pairs, list(range(100)))
    assert not is_light(pairs, list(range(10_000)))
    assert is_light("map(. + 1)", list(range(10_000)))
    assert not is_light("map(. + 1)", list(range(1_000_000)))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=3),
    max_leaves=8,
)
PROGRAMS = st.sampled_from([
    ".a * .b", "[(.a, 2) * (3, .b)]", "[.[]? | . * .]", ".a * 2 + 1", "map(. * 2)?", '{a: 1} * .', ".[0] * .[1]",
    ".a * null", "(.a * .b)?", "try (.a * .b) catch .", ".a * .b // 7", "(.a //= .b * 2)?",
])  # fmt: skip


@settings(deadline=None)
@given(program=PROGRAMS, data=VALUES)
def test_products_mean_what_jq_means(program: str, data: object) -> None:
    """The guard around `*` changes no result and no error: what it stops is evaluated without it."""
    expression = compile_expression(Node(program, "/x", FaultLog({})), program, SCOPE)
    try:
        expected: Any = jq.compile(f"[{program}][:2]").input_text(json.dumps(data)).first()
    except ValueError as error:
        expected = str(error)
    if isinstance(expected, str) or len(expected) > 1:
        with pytest.raises(ValueError, match=re.escape(expected) if isinstance(expected, str) else "more than one"):
            expression.evaluate(data, {})
    else:
        assert expression.evaluate(data, {}) == (expected[0] if expected else None)


def elsewhere(execute: Callable[..., Any], program: str, payload: Any = None) -> Any:
    return execute({**_document(), "do": [{"a": {"set": {"x": "${ " + program + " }"}}}]}, payload)["x"]


def _document() -> dict[str, Any]:
    return {"document": {"dsl": "1.0.3", "namespace": "test", "name": "sample", "version": "1.0.0"}}


def test_a_helper_gives_what_jq_gives(execute: Callable[..., Any]) -> None:
    """A heavy expression has its value, its variables, its nothing and its error like any other."""
    assert elsewhere(execute, "[range(3)] + [$input.n, .n, $workflow.input.n]", {"n": 12345678901234567891}) == [
        0, 1, 2, 12345678901234567891, 12345678901234567891, 12345678901234567891,
    ]  # fmt: skip
    assert elsewhere(execute, "range(0)") is None
    assert elsewhere(execute, '"ab" * 3') == "ababab"
    for program, told in (("range(3)", "more than one value"), ('[range(1)] | error("no")', "no")):
        with pytest.raises(TaskError, match=told) as caught:
            elsewhere(execute, program)
        assert caught.value.error.type.endswith("/expression")
        assert caught.value.error.instance == "/do/0/a"


def test_every_place_of_a_task_may_hold_a_heavy_expression(execute: Callable[..., Any]) -> None:
    """Conditions, transformations, loops, cases, durations and errors wait for a helper as well as `set` does."""
    one = "'[range(2)] | length == 2'"
    source = f"""
input: {{from: '[range(2)]'}}
output: {{as: '[., [range(1)]]'}}
timeout: {{after: '${{ "PT\\([range(60)] | length)S" }}'}}
do:
  - a: {{if: {one}, set: {{n: '${{ [range(4)] | length }}', twice: ['${{ [range(2)] }}', '${{ [range(1)] }}']}}}}
  - loop: {{for: {{in: '[range(3)]'}}, while: {one}, do: [{{b: {{set: '${{ [., [range($index)]] }}'}}}}]}}
  - choose: {{switch: [{{yes: {{when: {one}, then: c}}}}]}}
  - never: {{set: {{wrong: true}}}}
  - c: {{wait: '${{ "PT\\([range(0)] | length)S" }}', input: {{from: '.[0] | [range(2)]'}}, export: {{as: '[range(5)]'}}}}
  - d: {{try: [{{r: {{raise: {{error: {{type: 'a:b', status: 400, title: '${{ "x" * 2 }}'}}}}}}}}],
        catch: {{when: {one}, do: [{{e: {{set: '${{ [$error.title, $context] }}'}}}}]}}}}
"""
    assert execute(source) == [["xx", [0, 1, 2, 3, 4]], [0]]


async def test_events_and_calls_may_hold_heavy_expressions() -> None:
    """The attributes of an event, a filter of `listen` and the arguments of a call wait for a helper, too."""
    length = "[range(3)] | length"

    @step
    async def echo(n: int) -> int:
        return n

    heavy = load_document(
        f"{HEAD}do:\n"
        f"  - call: {{call: echo, with: {{n: '${{ {length} }}'}}, export: {{as: .}}}}\n"
        "  - hear: {listen: {to: {one: {with: {type: t}, correlate: "
        f"{{c: {{from: '${{ .data.n }}', expect: '${{ {length} }}'}}}}}}}}}}}}\n"
    )
    emitter = load_document(
        f"{HEAD.replace('sample', 'emitter')}do: [{{e: {{emit: {{event: {{with: {{type: t, data: {{n: '${{ {length} }}'}}}}}}}}}}}}]"
    )
    workflows = [each.as_workflow(Steps([echo])) for each in (heavy, emitter)]
    async with WorkflowEngine("sqlite://", workflows=workflows) as engine:
        waiting = await engine.start(heavy.qualified_name)
        while not any(wait.kind == "event" for wait in (await waiting.status()).waiting_for):
            await asyncio.sleep(0.01)
        await engine.start(emitter.qualified_name)
        assert await waiting.result(LIMIT) == [{"n": 3}]
        steps = [event.data["step"] for event in await waiting.history() if event.type == "step_completed"]
    assert steps == ["expression", "echo", "expression"]


async def failure(program: str, payload: Any = None, **limits: Any) -> str:
    document = load_document({**_document(), "do": [{"a": {"set": {"x": "${ " + program + " }"}}}]})
    steps = Steps(expressions=ExpressionLimits(**limits))
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow(steps)]) as engine:
        handle = await engine.start(document.qualified_name, payload)
        with pytest.raises(Exception, match="failed") as caught:
            await handle.result(LIMIT)
    error = caught.value.failure.args[0]  # type: ignore[attr-defined]  # it is a WorkflowFailedError
    assert error["type"].endswith("/expression")
    return str(error["detail"])


async def test_an_expression_that_never_ends_is_stopped() -> None:
    """Processor time is limited; the error says so, and the engine goes on meanwhile."""
    assert "it ran for longer than 1 s and was stopped" in await failure("last(repeat(1))", time=timedelta(seconds=1))


async def test_an_expression_that_needs_much_memory_is_stopped() -> None:
    """Memory is limited, and the engine's own is not touched."""
    told = await failure("[range(1e9)] | length", memory_bytes=200 * 1024 * 1024, time=timedelta(seconds=30))
    assert "memory" in told


async def test_a_value_that_is_too_long_is_an_error() -> None:
    """What an expression gives is limited wherever it is evaluated."""
    assert f"more than {RESULT_LIMIT} characters" in await failure(".x * .n", {"x": "x", "n": RESULT_LIMIT})


@pytest.mark.parametrize("program", ['"x" * 1e9', '2e9 * "x"', '("x" * 99999) * 99999', '"x" * 1e999'])
def test_constants_that_grow_are_refused_when_loaded(program: str) -> None:
    """Jq multiplies constants while it compiles; a program that would fill the memory then is refused."""
    node = Node(program, "/x", FaultLog({}))
    compile_expression(node, program, SCOPE)
    [fault] = node.log.faults
    assert "more than 1000000 times" in fault.message


async def test_growth_from_round_to_round_is_stopped() -> None:
    """Light expressions that double their data in a loop end at a limit, as an error that can be caught."""
    document = load_document(
        HEAD + "do: [{t: {try: [{a: {set: '${ . + . }'}}, {b: {set: '${ . }', then: a}}],"
        " catch: {do: [{c: {set: '${ $error.detail }'}}]}}}]"
    )
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()]) as engine:
        handle = await engine.start(document.qualified_name, "x" * 1000)
        assert "too large" in await handle.result(LIMIT)


async def test_a_stopped_expression_stays_stopped_on_replay(tmp_path: Path) -> None:
    """That it was stopped is kept: with any limits, a replay takes the same way."""
    document = load_document(
        HEAD + "do:\n"
        "  - t: {try: [{a: {set: {x: '${ [range(60000000)] | length }'}}}], catch: {do: [{c: {set: {x: stopped}}}]}}\n"
        "  - b: {set: {x: '${ .x }', y: '${ [range(2)] | length }'}}\n"
        "  - g: {call: gate, output: {as: $input}}\n"
    )
    reached = asyncio.Event()

    @step(name="gate")
    async def stays() -> None:
        reached.set()
        await asyncio.Event().wait()

    @step(name="gate")
    async def opens() -> None:
        return None

    url = f"sqlite:///{tmp_path / 'runs.db'}"
    small = ExpressionLimits(memory_bytes=200 * 1024 * 1024)
    large = ExpressionLimits(memory_bytes=4 * 1024**3, time=timedelta(minutes=5))
    async with WorkflowEngine(url, workflows=[document.as_workflow(Steps([stays], expressions=small))]) as engine:
        await engine.start(document.qualified_name, id="r")
        await asyncio.wait_for(reached.wait(), LIMIT.total_seconds())
    async with WorkflowEngine(url, workflows=[document.as_workflow(Steps([opens], expressions=large))]) as engine:
        assert await engine.handle("r").result(LIMIT) == {"x": "stopped", "y": 2}


async def test_the_engine_goes_on_while_an_expression_runs() -> None:
    """A heavy expression holds up neither the loop nor other runs."""
    busy = load_document(HEAD + "do: [{a: {set: {x: '${ last(repeat(1)) }'}}}]")
    quick = load_document(HEAD.replace("sample", "quick") + "do: [{a: {set: {x: 1}}}]")
    steps = Steps(expressions=ExpressionLimits(time=timedelta(seconds=2)))
    workflows = [busy.as_workflow(steps), quick.as_workflow(steps)]
    async with WorkflowEngine("sqlite://", workflows=workflows) as engine:
        slow: WorkflowHandle[Any] = await engine.start(busy.qualified_name)
        for _ in range(5):
            assert await (await engine.start(quick.qualified_name)).result(LIMIT) == {"x": 1}
        assert (await slow.status()).status.value == "running"
        with pytest.raises(Exception, match="was stopped"):
            await slow.result(LIMIT)


def test_helpers_are_used_again_and_end_with_their_owner() -> None:
    """One process answers one expression after the other, and none is left when nobody uses them any more."""
    from maestro_workflow_engine.dsl._expression_pool import ExpressionCall, ExpressionPool

    pool = ExpressionPool()
    for n in range(3):
        assert pool.step.func(ExpressionCall("[range(.)] | tojson", str(n))).results == [
            json.dumps(list(range(n))).replace(" ", "")
        ]
    [helper] = pool._idle
    pid = helper._process.pid
    pool._finalizer()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("limits", [{"time": timedelta(0)}, {"memory_bytes": 0}, {"helpers": 0}])
def test_limits_are_above_zero(limits: dict[str, Any]) -> None:
    """A limit that would stop everything is refused."""
    with pytest.raises(WorkflowDefinitionError):
        ExpressionLimits(**limits)


@pytest.mark.parametrize(
    ("program", "seen"),
    [
        ("$input.id", {"id": 1}),
        ('"\\($input.id)-\\($input.n.a)"', {"id": 1, "n": {"a": 2}}),
        ("[$input.id, $input]", None),
        ('[$input.id, $input["n"]]', None),
        ("$input | .id", None),
        ("[$input.gone]", {}),
        ("[$input.id] as $input | $input[0]", None),
    ],
)
def test_a_program_is_given_what_it_looks_at(program: str, seen: dict[str, Any] | None) -> None:
    """Of a variable that is only followed by fields, those fields are passed in; of any other one, all. The value is the same."""
    whole = {"id": 1, "n": {"a": 2}, "definition": ["x"] * 100}
    compiled = compile_program(program, ("input",))
    passed = json.loads(compiled.encode(None, {"input": whole}))[1]["input"]
    assert passed == (whole if seen is None else seen)
    expected = jq.compile(program, args={"input": whole}).input_text("null").all()
    assert compiled.first_two(json.dumps([None, {"input": passed}])) == expected


@settings(deadline=None)
@given(st.text(alphabet='.[]|,(){}$ab*+="\\ 1', max_size=20))
def test_any_text_can_be_weighed(text: str) -> None:
    """Weighing reads any text without failing, whether or not it is a program."""
    found = weight(text)
    assert found is None or (found.degree >= 1 and found.growth >= 1)
