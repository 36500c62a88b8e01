"""Reports: what they hold, where it is, and how it is shown."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maestro_workflow_engine.dsl import DocumentError, load_document, validate_document
from maestro_workflow_engine.dsl.validation import Report, excerpt

HEAD = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
LISTENS = HEAD + "do: [{a: {listen: {to: {any: []}}}}]"


def test_examples_are_valid(example: Path) -> None:
    """Every example of the specification is without fault or warning, whatever of it can be run here."""
    report = validate_document(example.read_text(encoding="utf-8"))
    assert (report.faults, report.warnings) == ((), ())


def test_invalid_documents_have_faults_with_places(invalid_document: Path) -> None:
    """The specification's invalid documents are refused, with line and column."""
    report = validate_document(invalid_document.read_text(encoding="utf-8"))
    assert report.faults
    assert all(fault.line and fault.column for fault in report.faults)


def test_what_cannot_be_run_is_no_fault() -> None:
    """A valid part that this release cannot run is told apart from faults, and only when there are none."""
    report = validate_document(HEAD + "evaluate: {language: js}\ndo: [{a: {set: {x: 1}}}]")
    assert report.is_valid
    assert [(fault.rule, fault.path) for fault in report.unsupported] == [("unsupported", "/evaluate/language")]
    assert not validate_document(HEAD + "evaluate: {language: js}\ndo: [{a: {}}]").unsupported


def test_all_faults_at_once_in_the_order_of_the_text() -> None:
    """Text, structure and meaning are checked in one go."""
    report = validate_document(
        HEAD + "do:\n  - a: {set: {x: 1, x: 2}}\n  - b: {wait: soon}\n  - c: {wait: PT1S, then: d}\n"
    )
    assert [(fault.rule, fault.line) for fault in report.faults] == [
        ("duplicate-key", 3),
        ("not-a-duration", 4),
        ("unknown-target", 5),
    ]


def test_a_duplicate_key_names_both_places() -> None:
    """The fault is at the second key and names the place of the first."""
    (fault,) = validate_document(HEAD + "do: []\ndo: []\n").faults
    assert (fault.line, fault.column) == (3, 1)
    assert "first at line 2, column 1" in fault.message


def test_yaml_1_2() -> None:
    """`on` is text, as in a schedule; with YAML 1.1 it would be the key true."""
    text = HEAD + "schedule:\n  on:\n    one: {with: {type: a}}\ndo: []\n"
    assert validate_document(text).is_valid


def test_merge_keys_and_anchors_are_unfolded() -> None:
    """A fault in what an alias brings is told where the alias stands in the path, at the place of the anchor's text."""
    text = HEAD + "do:\n  - a: &a {set: {x: 1}, thn: end}\n  - b: *a\n  - c: {<<: *a, set: {y: 1}}\n"
    assert [(fault.path, fault.line) for fault in validate_document(text).faults] == [
        ("/do/0/a/thn", 3),
        ("/do/1/b/thn", 3),
        ("/do/2/c/thn", 3),
    ]


def test_json_and_plain_values() -> None:
    """JSON text has places, plain values have none; the faults are the same."""
    values = {"document": {"dsl": "1.0.3", "namespace": "a", "name": "b", "version": "1"}, "do": [{"a": {"wait": 5}}]}
    text, plain = validate_document(json.dumps(values, indent=2)), validate_document(values)
    assert [fault.path for fault in text.faults] == [fault.path for fault in plain.faults]
    assert all(fault.line for fault in text.faults)
    assert all(fault.line is None for fault in plain.faults)


@pytest.mark.parametrize("text", ["", "a: [", b"\xff\xfe", "[" * 5000, "a: &a [*a]", "--- 1\n--- 2\n", "\x00"])
def test_what_is_no_document_is_reported_not_raised(text: str | bytes) -> None:
    """Whatever the text, there is a report with a fault."""
    assert not validate_document(text).is_valid


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary())
def test_any_text_gives_a_report(text: str | bytes) -> None:
    """Nothing that can be read from a file is an error of ours."""
    assert isinstance(validate_document(text), Report)


def test_loading_refuses_what_validating_does() -> None:
    """A document with a fault is not loaded, and the error lists the fault once."""
    with pytest.raises(DocumentError) as caught:
        load_document(HEAD + "schedule: {cron: never}\ndo: []")
    assert [fault.path for fault in caught.value.faults].count("/schedule/cron") <= 1
    assert not validate_document(HEAD + "schedule: {cron: never}\ndo: []").is_valid


def test_an_excerpt_marks_the_word() -> None:
    """The line of a fault is shown with its number, and the word at fault is underlined."""
    text = HEAD + "do:\n  - a:\n      wait: PT1S\n      thn: end\n"
    (fault,) = validate_document(text).faults
    assert excerpt(text, fault) == "  |\n5 |       thn: end\n  |       ^^^".replace("  |", "  |", 1)


def test_excerpts_of_long_lines_and_tabs() -> None:
    """A long line is cut around the fault; tabs stand above tabs."""
    text = json.dumps({"document": {"dsl": "1.0.3", "namespace": "a", "name": "b", "version": "1.0.0", "summary": "x" * 500},
                       "do": [{"a": {"wait": "soon"}}]})  # fmt: skip
    (fault,) = validate_document(text).faults
    _, line, mark = (excerpt(text, fault) or "").splitlines()
    assert len(line) < 200
    assert line[mark.index("^") :].startswith('"wait"')
    tabbed = "{\n\t\"document\": {},\t\"doo\": 1}"  # fmt: skip
    fault = next(fault for fault in validate_document(tabbed).faults if fault.path == "/doo")
    assert (excerpt(tabbed, fault) or "").splitlines()[2].startswith("  | \t")


def test_faults_without_a_place_have_no_excerpt() -> None:
    """Plain values have no text to show."""
    assert excerpt("", validate_document({"do": 1}).faults[0]) is None
