import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maestro_workflow_engine.dsl import Steps, TaskError, load_document
from maestro_workflow_engine.dsl._interpreter import interpret

PREFIX = "https://open-workflow-specification.org/spec/1.0.0/errors/"

STAGES = ("if", "input.schema", "input.from", "body", "output.as", "output.schema", "export.as", "export.schema")


class Still:
    """A host whose clock stands still."""

    run_id = "run"

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def random(self) -> float:
        raise AssertionError("nothing here is random")


def failing_at(stage: int) -> dict[str, Any]:
    """Make a document whose task would fail in a given stage and in every later one."""
    broken = [index >= stage for index in range(len(STAGES))]
    never, always = {"document": False}, {"document": True}

    def expression(index: int, good: str) -> str:
        return f'error("{STAGES[index]}")' if broken[index] else good

    return {
        "document": {"dsl": "1.0.3", "namespace": "test", "name": "order", "version": "1.0.0"},
        "do": [
            {
                "task": {
                    "if": expression(0, "true"),
                    "input": {"schema": never if broken[1] else always, "from": expression(2, ".")},
                    "set": {"x": "${ " + expression(3, "1") + " }"},
                    "output": {"as": expression(4, "."), "schema": never if broken[5] else always},
                    "export": {"as": expression(6, "."), "schema": never if broken[7] else always},
                }
            }
        ],
    }


@pytest.mark.parametrize("stage", range(len(STAGES)))
def test_the_parts_of_a_task_are_evaluated_in_order(simulate: Callable[..., Any], stage: int) -> None:
    """`if`, input.schema, input.from, body, output.as, output.schema, export.as, export.schema: the first to fail tells."""
    error = simulate(failing_at(stage), {}).error.error
    told = {
        "input.schema": "the input does not fit",
        "output.schema": "the output does not fit",
        "export.schema": "the exported context does not fit",
    }.get(STAGES[stage], f"failed: {STAGES[stage]}")
    assert told in error.detail
    assert error.type == PREFIX + ("validation" if "schema" in STAGES[stage] else "expression")
    assert (error.status, error.instance) == (400, "/do/0/task")


def test_each_part_sees_what_the_part_before_made(execute: Callable[..., Any]) -> None:
    """`if` and input.schema see the raw input, the body what input.from made, output.as what the body made, and so on."""
    source = """
do:
  - seed:
      set: {raw: 1}
  - task:
      if: .raw == 1
      input: {schema: {document: {required: [raw]}}, from: '{made: (.raw + 1)}'}
      set: {body: '${ .made + 1 }', input: '${ $input }', rawInput: '${ $task.input }'}
      output:
        as: '. + {as: (.body + 1), rawOutput: $task.output.body}'
        schema: {document: {required: [as]}}
      export: {as: '{context: $output.as, same: (. == $output)}', schema: {document: {required: [same]}}}
  - last:
      set: {previous: '${ . }', context: '${ $context }'}
"""
    assert execute(source) == {
        "previous": {"body": 3, "input": {"made": 2}, "rawInput": {"raw": 1}, "as": 4, "rawOutput": 3},
        "context": {"context": 4, "same": True},
    }


def test_a_skipped_task_passes_its_raw_input_on(execute: Callable[..., Any]) -> None:
    """A task whose `if` does not hold does nothing: no transformation, no export, no `then`."""
    source = """
do:
  - skipped:
      if: .go
      input: {from: '{}', schema: {document: false}}
      set: {x: 1}
      output: {as: '{}'}
      export: {as: '{exported: true}'}
      then: end
  - last: {set: {before: '${ . }', context: '${ $context }'}}
"""
    assert execute(source, {"go": False}) == {"before": {"go": False}, "context": None}


@pytest.mark.parametrize(("value", "runs"), [(0, True), ("", True), ([], True), (False, False), (None, False)])
def test_conditions_hold_as_in_jq(simulate: Callable[..., Any], value: object, runs: bool) -> None:
    """Only false and null do not hold; 0 and empty text do."""
    output = simulate("do: [{a: {if: '${ .v }', set: {ran: true}}}]", {"v": value}).output
    assert output == ({"ran": True} if runs else {"v": value})


def test_export_replaces_the_context(execute: Callable[..., Any]) -> None:
    """`export` sets the context anew; what was in it goes unless the expression keeps it."""
    source = """
do:
  - one: {set: {a: 1}, export: {as: '{a: .a}'}}
  - two: {set: {b: 2}, export: {as: {b: '${ .b }'}}}
  - three: {set: {c: 3}, export: {as: '$context + .'}}
  - four: {set: {context: '${ $context }'}}
"""
    assert execute(source) == {"context": {"b": 2, "c": 3}}


def test_an_export_schema_alone_checks_the_context_there_is(simulate: Callable[..., Any]) -> None:
    """Without `export.as` the context stays as it is, and the schema is asked about that."""
    source = """
do:
  - one: {set: {a: 1}, export: {as: .}}
  - two: {set: {b: 1}, export: {schema: {document: {required: [%s]}}}}
output: {as: $context}
"""
    assert simulate(source % "a").output == {"a": 1}
    assert "the exported context does not fit" in simulate(source % "b").error.error.detail


def test_a_transformation_may_be_a_mapping(execute: Callable[..., Any]) -> None:
    """`from` and `as` take a mapping whose `${ }` strings are evaluated; other text in it is literal."""
    source = """
input: {from: {n: '${ .given }', text: .given}}
do: [{one: {input: {from: {m: '${ .n }', t: '${ .text }'}}, set: '${ . }', output: {as: {out: '${ . }'}}}}]
output: {as: {final: '${ .out }'}}
"""
    assert execute(source, {"given": 7}) == {"final": {"m": 7, "t": ".given"}}


def test_the_workflow_checks_and_transforms_its_data(execute: Callable[..., Any]) -> None:
    """The workflow's own input.schema sees the raw input; output.schema sees what output.as made."""
    source = """
input: {schema: {document: {required: [a], properties: {a: {type: integer}}}}, from: .a}
do: [{one: {set: '${ . + 1 }'}}]
output: {as: '{result: .}', schema: {document: {properties: {result: {maximum: 10}}}}}
"""
    assert execute(source, {"a": 1}) == {"result": 2}
    with pytest.raises(TaskError) as wrong_input:
        execute(source, {"a": "x"})
    assert wrong_input.value.error.type == PREFIX + "validation"
    assert "/a: " in str(wrong_input.value)
    assert wrong_input.value.error.instance == "/"
    with pytest.raises(TaskError, match="the output does not fit its schema: /result"):
        execute(source, {"a": 10})


def test_descriptors_describe(simulate: Callable[..., Any]) -> None:
    """`$workflow`, `$task` and `$runtime` hold what the specification lists."""
    source = """
do:
  - wait: {wait: PT1H}
  - look: {set: {w: '${ $workflow }', t: '${ $task }', r: '${ $runtime }'}, metadata: {a: 1}}
"""
    seen = simulate(source, {"raw": True}).output
    assert seen["w"]["id"] == "run-1"
    assert seen["w"]["input"] == {"raw": True}
    assert seen["w"]["definition"]["document"]["name"] == "sample"
    assert seen["w"]["startedAt"] == {
        "iso8601": "2026-01-01T00:00:00Z",
        "epoch": {"seconds": 1767225600, "milliseconds": 1767225600000},
    }
    assert (seen["t"]["name"], seen["t"]["reference"]) == ("look", "/do/1/look")
    assert seen["t"]["definition"]["metadata"] == {"a": 1}
    assert seen["t"]["startedAt"]["iso8601"] == "2026-01-01T01:00:00Z"
    assert seen["r"]["name"] == "maestro"
    assert seen["r"]["metadata"] == {}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 3), st.booleans(), st.booleans()),
        min_size=1,
        max_size=6,
    )
)
def test_any_chain_of_tasks_flows_as_the_rules_say(tasks: list[tuple[bool, int, bool, bool]]) -> None:
    """For any chain of tasks, skipped or not, with or without `as` and `export`, output and context follow the rules."""
    chain: list[Any] = []
    data, context = 0, cast("Any", None)
    for index, (runs, add, transforms, exports) in enumerate(tasks):
        task: dict[str, Any] = {"if": str(runs).lower(), "set": f"${{ . + {add} }}"}
        if transforms:
            task["output"] = {"as": ". * 2"}
        if exports:
            task["export"] = {"as": "[$context, $input, .]"}
        chain.append({f"t{index}": task})
        if runs:
            given, data = data, (data + add) * (2 if transforms else 1)
            context = [context, given, data] if exports else context
    document = load_document(
        {
            "document": {"dsl": "1.0.3", "namespace": "test", "name": "chain", "version": "1.0.0"},
            "do": chain,
            "output": {"as": "[., $context]"},
        }
    )
    assert asyncio.run(interpret(document, 0, Steps(), Still())) == [data, context]
