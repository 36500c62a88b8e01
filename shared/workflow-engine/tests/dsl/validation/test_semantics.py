"""What no JSON Schema can say about a document."""

from typing import Any

import pytest

from maestro_workflow_engine.dsl import Fault, validate_document

HEAD = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"


def noticed(text: str) -> list[tuple[str, str]]:
    report = validate_document(HEAD + text)
    return [(fault.rule, fault.path) for fault in (*report.faults, *report.warnings)]


def only_fault(text: str) -> Fault:
    (fault,) = validate_document(HEAD + text).faults
    return fault


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ("[{a: {set: {x: 1}, then: b}}]", [("unknown-target", "/do/0/a/then")]),
        ("[{a: {do: [{b: {set: {x: 1}, then: c}}]}}, {c: {set: {x: 1}}}]", [("unknown-target", "/do/0/a/do/0/b/then")]),
        ("[{a: {switch: [{b: {then: c}}]}}]", [("unknown-target", "/do/0/a/switch/0/b/then")]),
        ("[{a: {try: [], catch: {then: c}}}]", [("unknown-target", "/do/0/a/catch/then")]),
        ("[{a: {fork: {branches: [{b: {set: {x: 1}, then: c}}, {c: {set: {x: 1}}}]}}}]",
         [("branch-target", "/do/0/a/fork/branches/0/b/then")]),
        ("[{a: {set: {x: 1}}}, {a: {set: {x: 1}}}]", [("duplicate-name", "/do/1/a")]),
        ("[{a: {set: {x: 1}, then: b}}, {b: {set: {x: 1}}}, {b: {set: {x: 1}}}]",
         [("unclear-target", "/do/0/a/then"), ("duplicate-name", "/do/2/b")]),
        ("[{a: {set: {x: 1}, then: end}}, {b: {set: {x: 1}}}]", [("unreachable", "/do/1/b")]),
        ("[{a: {set: {x: 1}, then: c}}, {b: {set: {x: 1}}}, {c: {set: {x: 1}}}]", [("unreachable", "/do/1/b")]),
        ("[{a: {raise: {error: {type: 'a:b', status: 1}}}}, {b: {set: {x: 1}}}]", [("unreachable", "/do/1/b")]),
        ("[{a: {switch: [{c: {when: .x, then: end}}, {d: {then: exit}}]}}, {b: {set: {x: 1}}}]",
         [("unreachable", "/do/1/b")]),
    ],
)  # fmt: skip
def test_flow(tasks: str, expected: list[tuple[str, str]]) -> None:
    """Targets must exist in the same list, once, and not among branches; tasks that nothing leads to are warned of."""
    assert noticed(f"do: {tasks}") == expected


@pytest.mark.parametrize(
    "tasks",
    [
        "[{a: {set: {x: 1}, if: .x, then: end}}, {b: {set: {x: 1}}}]",
        "[{a: {raise: {error: {type: 'a:b', status: 1}}, if: .x}}, {b: {set: {x: 1}}}]",
        "[{a: {switch: [{c: {when: .x, then: end}}]}}, {b: {set: {x: 1}}}]",
        "[{a: {try: [], catch: {then: b}, then: end}}, {b: {set: {x: 1}}}]",
        "[{a: {set: {x: 1}, then: c}}, {b: {set: {x: 1}, then: end}}, {c: {set: {x: 1}, then: b}}]",
        "[{a: {fork: {branches: [{b: {set: {x: 1}, then: end}}, {c: {set: {x: 1}}}]}}}]",
    ],
)
def test_what_may_be_reached_is_not_warned_of(tasks: str) -> None:
    """Conditions, cases without a default, catches, jumps back and branches all leave a way."""
    assert noticed(f"do: {tasks}") == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("timeout: soon\ndo: []", "/timeout"),
        ("do: [{a: {set: {x: 1}, timeout: soon}}]", "/do/0/a/timeout"),
        ("do: [{a: {raise: {error: soon}}}]", "/do/0/a/raise/error"),
        ("do: [{a: {try: [], catch: {retry: soon}}}]", "/do/0/a/catch/retry"),
        ("do: [{a: {call: http, with: {method: get, endpoint: {uri: 'a:b', authentication: {use: soon}}}}}]",
         "/do/0/a/with/endpoint/authentication/use"),
        ("do: [{a: {call: openapi, with: {document: {endpoint: a}, operationId: b, authentication: {use: soon}}}}]",
         "/do/0/a/with/authentication/use"),
        ("use: {authentications: {a: {basic: {use: soon}}}}\ndo: []", "/use/authentications/a/basic/use"),
        ("use: {catalogs: {a: {endpoint: {uri: 'a:b', authentication: {use: soon}}}}}\ndo: []",
         "/use/catalogs/a/endpoint/authentication/use"),
        ("do: [{a: {call: 'log:1.0.0@soon'}}]", "/do/0/a/call"),
        ("use: {functions: {f: {raise: {error: soon}}}}\ndo: []", "/use/functions/f/raise/error"),
        ("use: {extensions: [{e: {extend: all, before: [{a: {raise: {error: soon}}}]}}]}\ndo: []",
         "/use/extensions/0/e/before/0/a/raise/error"),
    ],
)  # fmt: skip
def test_names_under_use(text: str, path: str) -> None:
    """What refers to a reusable component by name must find it."""
    fault = only_fault(text)
    assert (fault.rule, fault.path) == ("unknown-name", path)
    assert "'soon'" in fault.message


@pytest.mark.parametrize("called", ["log:1.0.0@default", "log:1.0.0@ours", "https://a.b/f@1.0.0", "send-mail", "a@b"])
def test_functions_of_catalogs(called: str) -> None:
    """The runtime's own catalog is always there; an address and a plain name are none of a catalog."""
    assert noticed(f"use: {{catalogs: {{ours: {{endpoint: 'https://a.b'}}}}}}\ndo: [{{a: {{call: '{called}'}}}}]") == []


def test_data_that_is_sent_is_no_reference() -> None:
    """A member called `authentication` in a body is data."""
    assert (
        noticed("do: [{a: {call: http, with: {method: post, endpoint: 'a:b', body: {authentication: {use: x}}}}}]")
        == []
    )


@pytest.mark.parametrize(
    ("task", "path"),
    [
        ("if: .a | «| .b, set: {x: 1}", "/if"),
        ("set: {x: '${ .a «+ }'}", "/set/x"),
        ("set: {x: 1}, output: {as: '.a «]'}", "/output/as"),
        ("set: {x: 1}, export: {as: {y: '${ «{ }'}}", "/export/as/y"),
        ("switch: [{c: {when: '.a«)', then: end}}]", "/switch/0/c/when"),
        ("for: {in: '.a«)'}, do: []", "/for/in"),
        ("for: {in: .a}, while: '.a«)', do: []", "/while"),
        ("try: [], catch: {when: '.a«)'}", "/catch/when"),
        ("try: [], catch: {retry: {exceptWhen: '.a«)'}}", "/catch/retry/exceptWhen"),
        ("listen: {to: {any: [], until: '.a«)'}}", "/listen/to/until"),
        ("listen: {to: {one: {with: {data: '${ .a«) }'}}}}", "/listen/to/one/with/data"),
        ("listen: {to: {one: {with: {type: a}, correlate: {c: {from: '.a«)'}}}}}", "/listen/to/one/correlate/c/from"),
        ("listen: {to: {any: []}}, foreach: {output: {as: '.a«)'}}", "/foreach/output/as"),
        ("wait: {days: 1}, timeout: {after: '${ .a«) }'}", "/timeout/after"),
    ],
)
def test_faults_in_expressions_have_their_place_in_the_text(task: str, path: str) -> None:
    """What is no jq program is shown at the very character (« marks it), wherever expressions can stand."""
    line = f"  - a: {{ {task} }}"
    fault = only_fault(f"do:\n{line.replace('«', '')}\n")
    assert (fault.rule, fault.path) == ("not-a-program", f"/do/0/a{path}")
    assert (fault.line, fault.column) == (3, line.index("«") + 1)


def test_places_in_blocks_of_text() -> None:
    """In a literal block the line is that of the program, and the column counts its indentation."""
    fault = only_fault("do:\n  - a:\n      set:\n        x: |\n          ${ {\n            b: ]\n          } }\n")
    assert (fault.line, fault.column) == (7, 16)


def test_places_hidden_by_escapes_are_those_of_the_value() -> None:
    """Where the text of a program is written with escapes, the value's own place is told."""
    fault = only_fault('do:\n  - a: {if: ".a\\u0020| |", set: {x: 1}}\n')
    assert (fault.line, fault.column) == (3, 9)


@pytest.mark.parametrize(
    ("text", "path", "hint"),
    [
        ("do: [{a: {set: {x: '${ $outptu }'}}}]", "/do/0/a/set/x", None),
        ("do: [{a: {set: {x: '${ $contxt.y }'}}}]", "/do/0/a/set/x", "did you mean 'context'?"),
        ("do: [{a: {if: $input.x, set: {x: 1}}}]", "/do/0/a/if", None),
        ("do: [{a: {if: $output.x, set: {x: 1}}}]", "/do/0/a/if", None),
        ("input: {from: $context}\ndo: []", "/input/from", None),
        ("do: [{a: {for: {each: pet, in: .x}, do: []}}, {b: {set: {x: '${ $pet }'}}}]", "/do/1/b/set/x", None),
        ("do: [{a: {try: [{b: {set: {x: '${ $error }'}}}], catch: {do: []}}}]", "/do/0/a/try/0/b/set/x", None),
    ],
)
def test_variables_that_are_not_there(text: str, path: str, hint: str | None) -> None:
    """A variable must be one that the specification gives at that place, or that a task around it binds."""
    fault = only_fault(text)
    assert (fault.rule, fault.path, fault.hint) == ("unknown-variable", path, hint)


@pytest.mark.parametrize(
    "text",
    [
        "do: [{a: {for: {each: pet, at: n, in: .x}, while: $n < 3, do: [{b: {set: {x: '${ $pet + $n }'}}}]}}]",
        "do: [{a: {try: [], catch: {as: e, when: $e.status == 1, do: [{b: {set: {x: '${ $e }'}}}]}}}]",
        "do: [{a: {listen: {to: {any: []}}, foreach: {item: e, do: [{b: {set: {x: '${ $e.data + $index }'}}}]}}}]",
        "do: [{a: {set: {x: '${ . as $y | reduce .[] as [$a] (0; . + $a + $y) | $secrets.z }'}, export: {as: $output}}}]",
        "use: {retries: {r: {when: $error.status == 1}}}\ndo: []",
        "do: [{a: {set: {x: 'a ${ $nothing } b'}}}]",
        "evaluate: {language: js}\ndo: [{a: {if: 'a => b', set: {x: 1}}}]",
    ],
)
def test_variables_that_are_there(text: str) -> None:
    """Loops, catches and iterators bind variables for what is in them; programs bind their own; other texts are texts."""
    assert noticed(text) == []


@pytest.mark.parametrize("name", ["now", "env", "$ENV", "input", "inputs", "debug", "input_filename", "halt"])
def test_impure_builtins(name: str) -> None:
    """A builtin whose result could differ in a replay is refused, at its own place."""
    fault = only_fault(f"do:\n  - a: {{ set: {{ x: '${{ .a | {name} }}' }} }}\n")
    assert (fault.rule, fault.path, fault.line, fault.column) == ("impure-builtin", "/do/0/a/set/x", 3, 29)


def test_loose_mode_warns_only() -> None:
    """In loose mode text that is no jq program is text, so nothing about expressions is a fault."""
    report = validate_document(HEAD + "evaluate: {mode: loose}\ndo: [{a: {if: 'is it?', set: {x: '${ now }'}}}]")
    assert report.is_valid
    assert [(fault.rule, fault.path) for fault in report.warnings] == [
        ("not-a-program", "/do/0/a/if"),
        ("impure-builtin", "/do/0/a/set/x"),
    ]


@pytest.mark.parametrize(
    ("text", "rule", "path"),
    [
        ("do: [{a: {for: {each: $x, in: .a}, do: []}}]", "not-a-variable", "/do/0/a/for/each"),
        ("do: [{a: {for: {at: input, in: .a}, do: []}}]", "reserved-variable", "/do/0/a/for/at"),
        ("do: [{a: {try: [], catch: {as: a b}}}]", "not-a-variable", "/do/0/a/catch/as"),
        ("do: [{a: {listen: {to: {any: []}}, foreach: {item: task}}}]", "reserved-variable", "/do/0/a/foreach/item"),
        ("schedule: {cron: '61 * * * *'}\ndo: []", "not-a-cron-expression", "/schedule/cron"),
        ("input: {schema: {document: {type: 5}}}\ndo: []", "not-a-schema", "/input/schema/document"),
        (
            "do: [{a: {set: {x: 1}, output: {schema: {document: no}}}}]",
            "not-a-schema",
            "/do/0/a/output/schema/document",
        ),
    ],
)
def test_values_with_a_meaning_of_their_own(text: str, rule: str, path: str) -> None:
    """Names of variables, cron expressions and JSON Schemas are checked as such."""
    fault = only_fault(text)
    assert (fault.rule, fault.path) == (rule, path)


def test_schemas_of_other_formats_are_not_read() -> None:
    """A schema in another format is no JSON Schema, and not a fault of the document."""
    assert noticed("input: {schema: {format: avro, document: {type: 5}}}\ndo: []") == []


@pytest.mark.parametrize("version", ["0.8.0", "1.0.4", "1.1.0", "2.0.0"])
def test_other_versions_are_named_and_nothing_else_is_said(version: str) -> None:
    """A document of another version of the DSL has one fault: what else it says is for other rules to judge."""
    (fault,) = validate_document(HEAD.replace("1.0.3", version) + "states: []").faults
    assert (fault.rule, fault.path) == ("unknown-version", "/document/dsl")
    assert version in fault.message


def test_any_values_are_survived() -> None:
    """Parts that are not at all what they should be give faults, never an error."""
    values: list[Any] = [None, 1, "x", [], {}, [[]], {"a": []}, [{"a": 1}], [{"a": {"do": 1}}], {"catch": 5}]
    for section in ("input", "use", "do", "timeout", "output", "schedule", "evaluate"):
        for value in values:
            validate_document({"document": {}, "do": [], section: value})
    for kind in (
        "call",
        "do",
        "emit",
        "for",
        "fork",
        "listen",
        "raise",
        "run",
        "set",
        "switch",
        "try",
        "wait",
        "if",
        "with",
    ):
        for value in values:
            task = {"do": [], "try": [], "call": "asyncapi", kind: value}
            assert not validate_document({"document": {}, "do": [{"a": task}, {"b": {kind: value}}]}).is_valid
