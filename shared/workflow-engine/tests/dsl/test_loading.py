import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maestro_workflow_engine import WorkflowError
from maestro_workflow_engine.dsl import DocumentError, Fault, load_document

HEAD = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"


def faults(source: Any) -> list[Fault]:
    with pytest.raises(DocumentError) as caught:
        load_document(source)
    return list(caught.value.faults)


def in_task(task: str) -> list[Fault]:
    return faults(f"{HEAD}do:\n  - one:\n      {task}\n")


@pytest.mark.parametrize("version", ["1.0.0", "1.0.1", "1.0.2", "1.0.3"])
def test_supported_versions_load(version: str) -> None:
    """Documents of every 1.0 release of the DSL up to 1.0.3 load."""
    document = load_document(HEAD.replace("1.0.3", version) + "do: [{one: {set: {a: 1}}}]")
    assert document.dsl == version


@pytest.mark.parametrize("version", ["0.8", "1.0.4", "2.0.0", "1.0.0-alpha1"])
def test_other_versions_are_refused_by_name(version: str) -> None:
    """A document of another version is refused, and the fault names that version."""
    [fault] = faults(HEAD.replace("1.0.3", version) + "do: [{one: {set: {a: 1}}}]")
    assert fault.path == "/document/dsl"
    assert repr(version) in fault.message


def test_the_head_names_the_workflow() -> None:
    """Namespace, name, version, title and the qualified name come from the head."""
    document = load_document(
        "document: {dsl: 1.0.3, namespace: acme, name: greet, version: 2.1.0-rc.1+b5, title: Greets, summary: Hi}\n"
        "do: [{one: {set: {a: 1}}}]"
    )
    assert (document.qualified_name, document.version, document.title, document.summary) == (
        "acme/greet",
        "2.1.0-rc.1+b5",
        "Greets",
        "Hi",
    )


def test_every_fault_is_listed_at_once_with_its_place() -> None:
    """All faults of a document are told together, each with path, line, column and what was probably meant."""
    text = """\
document:
  dsl: '1.0.3'
  namespace: test
  name: sample
  version: one
do:
  - greet:
      cal: http
  - fetch:
      call: http
      with:
        method: get
        endpont: https://example.com
      thn: greet
  - count:
      set:
        n: ${ .a + }
      then: gret
"""
    found = {fault.path: fault for fault in faults(text)}
    assert list(found) == [
        "/document/version",
        "/do/0/greet",
        "/do/1/fetch/with",
        "/do/1/fetch/with/endpont",
        "/do/1/fetch/thn",
        "/do/2/count/set/n",
        "/do/2/count/then",
    ]
    assert (found["/do/1/fetch/with/endpont"].line, found["/do/1/fetch/with/endpont"].column) == (13, 9)
    assert found["/do/0/greet"].hint == "did you mean 'call'?"
    assert found["/do/1/fetch/with/endpont"].hint == "did you mean 'endpoint'?"
    assert found["/do/1/fetch/thn"].hint == "did you mean 'then'?"
    assert found["/do/2/count/then"].hint == "did you mean 'greet'?"
    assert "no jq program" in found["/do/2/count/set/n"].message


def test_the_error_reads_as_a_list() -> None:
    """The error's text lists the faults, is a WorkflowError, and has a stable code."""
    with pytest.raises(WorkflowError) as caught:
        load_document(HEAD + "do: [{one: {set: {}}}, {two: {wait: 5}}]")
    assert isinstance(caught.value, DocumentError)
    assert caught.value.code == "DOCUMENT_INVALID"
    lines = str(caught.value).splitlines()
    assert lines[0] == "the workflow document has 2 faults:"
    assert lines[1].startswith("  /do/0/one/set (line 2, column ")


def test_yaml_is_read_as_1_2() -> None:
    """`on`, `yes` and dates are text, as YAML 1.2 has them; numbers keep their kind."""
    document = load_document(
        HEAD + "do: [{one: {set: {on: yes, day: 2026-01-02, octal: 0o17, decimal: 012, hex: 0x1F, float: 1.5, no: ~}}}]"
    )
    assert document.definition["do"][0]["one"]["set"] == {
        "on": "yes",
        "day": "2026-01-02",
        "octal": 15,
        "decimal": 12,
        "hex": 31,
        "float": 1.5,
        "no": None,
    }


def test_json_and_plain_values_load_too() -> None:
    """The same document loads from YAML, from JSON text and bytes, and from plain values."""
    document = load_document(HEAD + "do: [{one: {set: {a: 1}}}]")
    text = json.dumps(document.definition, indent="\t")
    for form in (text, text.encode(), b"\xef\xbb\xbf" + text.encode(), dict(document.definition)):
        assert load_document(form).definition == document.definition


def test_faults_in_json_have_places() -> None:
    """A fault in JSON text has line and column as one in YAML has; plain values have no places."""
    text = json.dumps(load_document(HEAD + "do: [{one: {wait: PT1S}}]").definition, indent=2).replace("PT1S", "soon")
    [fault] = faults(text)
    assert fault.path == "/do/0/one/wait"
    assert text.splitlines()[(fault.line or 0) - 1].strip() == '"wait": "soon"'
    [plain] = faults(json.loads(text))
    assert (plain.line, plain.column) == (None, None)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "is empty"),
        ("do: [", "neither YAML nor JSON"),
        (
            "a: 1\n---\nb: 2\n",
            "is neither YAML nor JSON: expected a single document in the stream, but found another",
        ),
        ("a: 1\nb: \x00\n", "is neither YAML nor JSON: unacceptable character #x0000: special"),
        ("just text", "must be a mapping"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ({"document": object()}, "no JSON value"),
        ({"document": float("nan")}, "no JSON value"),
    ],
)
def test_what_is_no_document_is_refused(source: Any, message: str) -> None:
    """Text that is no YAML, more than one document, and values that are no JSON are refused with the reason."""
    assert any(message in fault.message for fault in faults(source))


def test_a_character_that_yaml_does_not_allow_has_its_place() -> None:
    """Line and column of it are told, though the reader counts characters."""
    [fault] = faults("a: 1\nb: \x00\n")
    assert (fault.line, fault.column) == (2, 4)


def test_a_key_that_appears_twice_is_a_fault() -> None:
    """A duplicate key is refused where it appears the second time, instead of silently winning."""
    found = faults(HEAD + "do:\n  - one: {wait: PT1S}\ndo:\n  - two: {wait: PT1S}\n")
    assert [(fault.path, fault.line) for fault in found] == [("/do", 4)]


def test_anchors_and_merges_work() -> None:
    """Aliases and merge keys are unfolded; own keys win over merged ones."""
    document = load_document(
        HEAD + "do:\n  - one: &a {wait: PT1S, then: end}\n  - two: {<<: *a, wait: PT2S}\n  - three: *a\n"
    )
    assert document.definition["do"][1]["two"] == {"wait": "PT2S", "then": "end"}
    assert document.definition["do"][2]["three"] == {"wait": "PT1S", "then": "end"}


def test_a_document_that_unfolds_without_end_is_refused() -> None:
    """Aliases that multiply into a huge document, and one that holds itself, are refused."""
    bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8)
    )
    assert any("unfolds into more than" in fault.message for fault in faults(bomb))
    assert any("contains itself" in fault.message for fault in faults("do: &loop [*loop]"))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("evaluate: {language: js}\ndo: []", "/evaluate/language"),
        ("input: {schema: {format: avro, document: {}}}\ndo: []", "/input/schema/format"),
        ("do: [{a: {wait: P1M}}]", "/do/0/a/wait"),
    ],
)
def test_what_is_not_supported_yet_is_said_so(text: str, path: str) -> None:
    """A valid part of the DSL that does not run yet is refused at load, by name and path; never ignored."""
    [fault] = [fault for fault in faults(HEAD + text) if fault.path == path]
    assert fault.message.startswith("not supported yet: ")


@pytest.mark.parametrize(
    ("task", "path", "message"),
    [
        ("{}", "/do/0/one", "says not what to do"),
        ("{set: {a: 1}, call: http}", "/do/0/one/call", "unknown field 'call' in a 'set' task"),
        ("{set: .a}", "/do/0/one/set", "expression in ${ }"),
        ("{set: 5}", "/do/0/one/set", "not a number"),
        ("{wait: {second: 5}}", "/do/0/one/wait/second", "unknown field"),
        ("{wait: {}}", "/do/0/one/wait", "names no unit"),
        ("{wait: {seconds: 1.5}}", "/do/0/one/wait/seconds", "whole number"),
        ("{wait: 30s}", "/do/0/one/wait", "ISO 8601"),
        ("{raise: {error: {type: a}}}", "/do/0/one/raise/error", "'status' is missing"),
        ("{raise: {error: missing}}", "/do/0/one/raise/error", "no error named 'missing'"),
        ("{switch: []}", "/do/0/one/switch", "no case"),
        ("{switch: [{a: {when: .x}}]}", "/do/0/one/switch/0/a", "'then' is missing"),
        ("{switch: [{a: {then: end}}, {b: {then: end}}]}", "/do/0/one/switch/1/b", "without one already"),
        ("{for: {each: x}, do: []}", "/do/0/one/for", "'in' is missing"),
        ("{for: {in: .x}}", "/do/0/one", "'do' is missing"),
        ("{for: {in: .x, each: $x}, do: []}", "/do/0/one/for/each", "no variable name"),
        ("{for: {in: .x, each: input}, do: []}", "/do/0/one/for/each", "would hide"),
        ("{for: {in: .x, each: a, at: a}, do: []}", "/do/0/one/for/at", "both named"),
        ("{for: {in: [1]}, do: []}", "/do/0/one/for/in/0", "must be a mapping"),
        ("{fork: {branches: [], compete: true}}", "/do/0/one/fork/branches", "nobody competes"),
        ("{fork: {branches: {}}}", "/do/0/one/fork/branches", "must be a list"),
        (
            "{fork: {branches: [{a: {wait: PT1S, then: b}}, {b: {wait: PT1S}}]}}",
            "/do/0/one/fork/branches/0/a/then",
            "same time",
        ),
        ("{try: []}", "/do/0/one", "'catch' is missing"),
        ("{try: [], catch: {errors: {with: {}}}}", "/do/0/one/catch/errors/with", "names no member"),
        ("{try: [], catch: {retry: twice}}", "/do/0/one/catch/retry", "no retry policy named"),
        ("{try: [], catch: {retry: {backoff: {}}}}", "/do/0/one/catch/retry/backoff", "exactly one"),
        (
            "{try: [], catch: {retry: {jitter: {from: PT2S, to: PT1S}}}}",
            "/do/0/one/catch/retry/jitter",
            "longer than",
        ),
        ("{wait: PT1S, timeout: short}", "/do/0/one/timeout", "no timeout named"),
        ("{wait: PT1S, timeout: {}}", "/do/0/one/timeout", "'after' is missing"),
        ("{wait: PT1S, input: {form: .a}}", "/do/0/one/input/form", "unknown field"),
        ("{wait: PT1S, output: {as: 5}}", "/do/0/one/output/as", "expression or a mapping"),
        ("{wait: PT1S, metadata: 5}", "/do/0/one/metadata", "must be a mapping"),
        (
            "{wait: PT1S, output: {schema: {document: {type: strin}}}}",
            "/do/0/one/output/schema/document",
            "no JSON Schema",
        ),
        ("{call: http}", "/do/0/one/call", "needs 'with'"),
        ("{call: http, with: {method: get}}", "/do/0/one/with", "'endpoint' is missing"),
        ("{call: http, with: {method: get, endpoint: 'a b'}}", "/do/0/one/with/endpoint", "no URI"),
        ("{call: http, with: {method: get, endpoint: 'http://x/{?q}'}}", "/do/0/one/with/endpoint", "simple expansion"),
        ("{call: http, with: {method: get, endpoint: 'http://x/{a'}}", "/do/0/one/with/endpoint", "do not match"),
        ("{call: http, with: {method: get, endpoint: http://x, output: all}}", "/do/0/one/with/output", "one of"),
        (
            "{call: http, with: {method: get, endpoint: http://x, query: {a: 1}}}",
            "/do/0/one/with/query/a",
            "must be text",
        ),
        (
            "{call: http, with: {method: get, endpoint: {uri: http://x, authentication: {use: me}}}}",
            "/do/0/one/with/endpoint/authentication/use",
            "no authentication named",
        ),
        ("{call: greet, with: [1]}", "/do/0/one/with", "mapping of the step's arguments"),
        ("{do: [{x: {wait: PT1S, then: one}}]}", "/do/0/one/do/0/x/then", "same list of tasks"),
    ],
)
def test_faults_of_each_kind_of_task(task: str, path: str, message: str) -> None:
    """Each kind of task checks its own fields and tells the path of what is wrong."""
    [fault] = in_task(task)
    assert (fault.path, message in fault.message) == (path, True), fault


def test_a_target_that_two_tasks_share_is_a_fault() -> None:
    """A `then` to a name that appears twice in its list is refused as ambiguous."""
    [fault] = faults(HEAD + "do: [{a: {wait: PT1S, then: b}}, {b: {wait: PT1S}}, {b: {wait: PT1S}}]")
    assert fault.path == "/do/0/a/then"
    assert "not clear" in fault.message


def test_unknown_steps_are_listed_when_the_workflow_is_made(load: Callable[..., Any]) -> None:
    """Calls of steps that nobody registered are refused together when the workflow is made, with hints."""
    from maestro_workflow_engine import step
    from maestro_workflow_engine.dsl import Steps

    @step
    async def greet(name: str) -> str:
        return name

    document = load(
        "do:\n"
        "  - a: {call: greet, with: {name: x}}\n"
        "  - b: {do: [{c: {call: gret}}]}\n"
        "  - d: {try: [{e: {call: nothing}}], catch: {do: [{f: {fork: {branches: [{g: {call: htp}}]}}}]}}\n"
    )
    with pytest.raises(DocumentError) as caught:
        document.as_workflow(Steps([greet]))
    assert [(fault.path, fault.line, fault.hint) for fault in caught.value.faults] == [
        ("/do/1/b/do/0/c/call", 4, "did you mean 'greet'?"),
        ("/do/2/d/try/0/e/call", 5, None),
        ("/do/2/d/catch/do/0/f/fork/branches/0/g/call", 5, "did you mean 'http'?"),
    ]


@pytest.mark.parametrize("depth", [200, 5000])
def test_deep_nesting_is_no_crash(depth: int) -> None:
    """A document nested beyond reason is refused as such; one nested deeply but sanely is read."""
    found = faults(HEAD + "do: " + "[" * depth + "]" * depth)
    assert [fault.message for fault in found] == [
        "is nested too deeply" if depth > 1000 else "must be a mapping of one name to a task, not a list"
    ]


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_gives_faults_at_worst(text: str) -> None:
    """Whatever text comes, it is loaded or refused with faults; no other exception escapes."""
    with contextlib.suppress(DocumentError):
        load_document(text)
