"""Traps of data flow: one test for each statement of the specification that implementations get wrong (dsl.md, "Data Flow")."""

from collections.abc import Callable
from typing import Any

import pytest

from maestro_workflow_engine.dsl import DocumentError, TaskError

STRICT = "{document: {required: [never]}}"


def error_of(execute: Callable[..., Any], source: str, payload: Any = None, **options: Any) -> Any:
    with pytest.raises(TaskError) as caught:
        execute(source, payload, **options)
    return caught.value.error


def test_a_skipped_task_evaluates_nothing_else(execute: Callable[..., Any]) -> None:
    """`if` comes before every other expression: a skipped task checks no schema, transforms nothing and exports nothing."""
    source = f"""
do:
  - a: {{set: {{n: 1}}, export: {{as: '"kept"'}}, output: {{as: .}}}}
  - b:
      if: .n == 2
      input: {{schema: {STRICT}, from: .n.x.y}}
      set: {{m: 1}}
      timeout: {{after: '${{ error }}'}}
      output: {{as: 'error("no")', schema: {STRICT}}}
      export: {{as: '"changed"', schema: {STRICT}}}
      then: end
  - c: {{set: {{before: '${{ . }}', context: '${{ $context }}'}}}}
"""
    assert execute(source) == {"before": {"n": 1}, "context": "kept"}


def test_if_sees_the_raw_input(execute: Callable[..., Any]) -> None:
    """`if` is asked about what came in, not about what `input.from` makes of it."""
    source = "do: [{a: {if: .n == 1, input: {from: '{n: 2}'}, set: {seen: '${ .n }', raw: '${ $task.input.n }'}}}]"
    assert execute(source, {"n": 1}) == {"seen": 2, "raw": 1}


def test_the_input_schema_is_about_the_raw_input(execute: Callable[..., Any]) -> None:
    """`input.schema` checks before `input.from`, so that what `from` adds does not help."""
    source = "do: [{a: {input: {schema: {document: {required: [n]}}, from: '{n: 1}'}, set: {x: 1}}}]"
    assert execute(source, {"n": 0}) == {"x": 1}
    assert error_of(execute, source, {}).type.endswith("/validation")


def test_the_output_schema_is_about_the_transformed_output(execute: Callable[..., Any]) -> None:
    """`output.schema` checks after `output.as`."""
    source = "do: [{a: {set: {m: 1}, output: {as: '{n: .m}', schema: {document: {required: [n]}}}}}]"
    assert execute(source) == {"n": 1}


def test_input_and_output_arguments(execute: Callable[..., Any]) -> None:
    """In `output.as`, `.` and `$task.output` are the raw output; in `export.as`, `.` and `$output` are the transformed one."""
    source = """
do:
  - a:
      input: {from: .n}
      set: {raw: true}
      output: {as: '{dot: ., task: $task.output, input: $input, raw: $task.input}'}
      export: {as: '{same: (. == $output), task: $task.output, input: $input}'}
  - b: {set: {output: '${ . }', context: '${ $context }'}}
"""
    assert execute(source, {"n": 1}) == {
        "output": {"dot": {"raw": True}, "task": {"raw": True}, "input": 1, "raw": {"n": 1}},
        "context": {"same": True, "task": {"raw": True}, "input": 1},
    }


def test_export_replaces_and_is_seen_by_the_next_task_only(execute: Callable[..., Any]) -> None:
    """A task sees the context that was there before its own export; the next one sees the new one, and nothing of the old."""
    source = """
do:
  - a: {set: {x: 1}, export: {as: '{a: 1}'}}
  - b: {set: {before: '${ $context }'}, export: {as: '{b: $context.a}'}}
  - c: {set: {then: '${ . }', now: '${ $context }'}}
"""
    assert execute(source) == {"then": {"before": {"a": 1}}, "now": {"b": 1}}


def test_exports_inside_other_tasks_last(execute: Callable[..., Any]) -> None:
    """What a task inside a list, loop, branch or failed `try` exports is the context from then on."""
    source = """
do:
  - list: {do: [{a: {set: {x: 1}, export: {as: '[1]'}}}]}
  - loop: {for: {in: '[2, 3]'}, do: [{b: {set: {x: 1}, export: {as: '$context + [$item]'}}}]}
  - fork: {fork: {branches: [{c: {set: {x: 1}, export: {as: '$context + [4]'}}}, {d: {set: {x: 1}, export: {as: '$context + [5]'}}}]}}
  - try:
      try: [{e: {set: {x: 1}, export: {as: '$context + [6]'}}}, {f: {raise: {error: {type: 'a:b', status: 1}}}}]
      catch: {do: [{g: {set: '${ $context }'}}]}
"""
    assert execute(source) == [1, 2, 3, 4, 5, 6]


def test_an_invalid_export_never_becomes_the_context(execute: Callable[..., Any]) -> None:
    """An exported context that does not fit its schema fails the task, and the context stays as it was."""
    source = f"""
do:
  - a: {{set: {{x: 1}}, export: {{as: '"good"'}}}}
  - t:
      try: [{{b: {{set: {{x: 1}}, export: {{as: '"bad"', schema: {STRICT.replace("required: [never]", "const: good")}}}}}}}]
      catch: {{errors: {{with: {{status: 400}}}}, do: [{{c: {{set: '${{ $context }}'}}}}]}}
"""
    assert execute(source) == "good"


def test_the_workflows_raw_input_stays_known(execute: Callable[..., Any]) -> None:
    """`$workflow.input` is the raw input for ever; what `input.from` made of it is the first task's input and `$input`."""
    source = (
        "input: {from: .n}\ndo: [{a: {set: {raw: '${ $workflow.input }', dot: '${ . }', input: '${ $input }'}}}]\n"
        "output: {as: '[., $workflow.input.n]'}"
    )
    assert execute(source, {"n": 1}) == [{"raw": {"n": 1}, "dot": 1, "input": 1}, 1]


@pytest.mark.parametrize("then", ["exit", "end"])
def test_a_workflow_that_ends_early_still_transforms_its_output(execute: Callable[..., Any], then: str) -> None:
    """`output.as` and `output.schema` of the workflow apply however its last task came to be the last."""
    source = f"do: [{{a: {{set: {{n: 1}}, then: {then}}}}}, {{b: {{set: {{n: 2}}}}}}]\noutput: {{as: .n%s}}"
    assert execute(source % "") == 1
    error = error_of(execute, source % ", schema: {document: {type: string}}")
    assert (error.type.rpartition("/")[2], error.status, error.instance) == ("validation", 400, "/")


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        (f"input: {{schema: {STRICT}}}, set: {{x: 1}}", "validation"),
        (f"set: {{x: 1}}, output: {{schema: {STRICT}}}", "validation"),
        ("set: {x: '${ .n.x.y }'}", "expression"),
        ("input: {from: .n.x.y}, set: {x: 1}", "expression"),
        ("if: .n.x.y, set: {x: 1}", "expression"),
        ("set: {x: 1}, output: {as: 'error(\"no\")'}", "expression"),
        ("set: {x: 1}, export: {as: 'error(\"no\")'}", "expression"),
    ],
)
def test_failures_of_data_flow_can_be_caught(execute: Callable[..., Any], task: str, kind: str) -> None:
    """What is wrong with a task's data is an error of that task: of a standard type, with status 400, and caught like any other."""
    source = f"do: [{{t: {{try: [{{a: {{{task}}}}}], catch: {{do: [{{c: {{set: {{e: '${{ $error }}'}}}}}}]}}}}}}]"
    error = execute(source, {"n": 1})["e"]
    assert error["type"].endswith(f"/{kind}")
    assert (error["status"], error["instance"]) == (400, "/do/0/t/try/0/a")


def test_null_and_false_are_values(execute: Callable[..., Any]) -> None:
    """Null, false, zero and empty values pass through transformations as they are; null is not nothing."""
    for value in (None, False, 0, "", [], {}):
        source = "do: [{a: {set: '${ {v: .} }', output: {as: .v}, export: {as: .}}}, {b: {set: {v: '${ . }', c: '${ $context }'}}}]"
        assert execute(source, value) == {"v": value, "c": value}


def test_json_schema_is_that_of_2020(execute: Callable[..., Any]) -> None:
    """Schemas are JSON Schema 2020-12: prefixItems, dependentRequired, unevaluatedProperties and $defs count."""
    schema = (
        "{$defs: {id: {type: integer}}, properties: {pair: {prefixItems: [{$ref: '#/$defs/id'}, {type: string}], items: false}},"
        " dependentRequired: {a: [b]}, unevaluatedProperties: false, patternProperties: {'^[ab]$': true}}"
    )
    source = f"do: [{{t: {{input: {{schema: {{format: json, document: {schema}}}}}, set: {{ok: true}}}}}}]"
    assert execute(source, {"pair": [1, "x"], "a": 1, "b": 2}) == {"ok": True}
    for wrong in ({"pair": ["x", "x"]}, {"pair": [1, "x", 2]}, {"a": 1}, {"c": 1}):
        assert error_of(execute, source, wrong).type.endswith("/validation")


@pytest.mark.parametrize(
    "source",
    [
        "do: [{l: {for: {in: .}, do: []}}, {a: {set: {x: '${ $item }'}}}]",
        "do: [{l: {for: {in: .}, do: []}}, {a: {set: {x: '${ $index }'}}}]",
        "do: [{t: {try: [], catch: {do: []}}}, {a: {set: {x: '${ $error }'}}}]",
        "do: [{t: {try: [{a: {set: {x: '${ $error }'}}}], catch: {}}}]",
        "do: [{l: {for: {in: $item}, do: []}}]",
        "do: [{a: {set: {x: 1}, export: {as: $secrets}}}]",
    ],
)
def test_variables_end_with_what_binds_them(load: Callable[..., Any], source: str) -> None:
    """A loop's and a `catch`'s variables exist inside them and nowhere else; using them elsewhere is a fault of the document."""
    with pytest.raises(DocumentError, match=r"not (defined|available|supported)|can be read only"):
        load(source)


def test_yaml_1_2_knows_no_yes_and_no(execute: Callable[..., Any]) -> None:
    """`on`, `off`, `yes` and `no` are text, and keys stay as they are written."""
    assert execute("do: [{a: {set: {on: yes, off: no, n: 010, y: y}}}]") == {
        "on": "yes",
        "off": "no",
        "n": 10,
        "y": "y",
    }
