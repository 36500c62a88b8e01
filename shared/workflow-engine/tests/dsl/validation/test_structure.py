"""The verdict on a document's structure is that of the official JSON Schema, on examples and on what becomes of them."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from maestro_workflow_engine.dsl import DocumentError, load_document, validate_document
from maestro_workflow_engine.dsl.validation._rules import Findings
from maestro_workflow_engine.dsl.validation._structure import structure

OTHERS: tuple[Any, ...] = (
    *(None, 0, 7, 2.0, 2.5, -1, True, "", "word", " ", [], {}, [{}], [{"a": {"set": {"b": 1}}}], {"unknown": 1}),
    *(
        "${ .a }",
        "${}",
        " ${ .a } ",
        "${\n.a }",
        "PT1S",
        "P1Y2M3W4DT5H6M7.5S",
        "P",
        "PT",
        "P1",
        "https://a.b/{c}",
        "a b",
    ),
    *({"seconds": 1}, {"seconds": 1.5}, {"use": "a"}, {"use": ""}, {"basic": {"username": "a", "password": "b"}}),
    *({"constant": {}}, {"constant": {}, "linear": {}}, {"any": []}, {"any": [], "until": {"any": [], "until": "x"}}),
    *(
        {"set": {"a": 1}},
        {"do": []},
        {"for": {"in": ".a"}, "do": []},
        {"call": "f"},
        {"call": "http"},
        {"wait": "PT1S"},
    ),
    *(
        {"uri": "a"},
        {"endpoint": "a"},
        {"document": {}},
        {"document": {}, "resource": {"endpoint": "a"}},
        "1.0.0",
        "data",
    ),
)
"""What is put in the place of parts of the examples."""


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def official(conformance_data: Path) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(read_yaml(conformance_data / "schema" / "workflow.yaml"))


@pytest.fixture(scope="module")
def examples(conformance_data: Path) -> list[Any]:
    return [read_yaml(path) for path in sorted(conformance_data.glob("examples/*.yaml"))]


def accepts(document: Any) -> bool:
    findings = Findings()
    structure(document, None, findings)
    return all(finding.warning for finding in findings)


def is_deliberate(document: Any) -> bool:
    """Tell whether a document has what the schema and we judge differently on purpose; docs/open-workflow.md says why."""
    sections = {"document", "input", "use", "do", "timeout", "output", "schedule", "evaluate"}
    return not isinstance(document, dict) or not document.keys() <= sections or any(_expressions_as_text(document))


def _expressions_as_text(value: Any) -> Iterator[bool]:
    """Find expressions where the schema takes text or an expression, but exactly one of them: `instance` and `time`."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key in {"instance", "time"} and isinstance(item, str) and "${" in item
            yield from _expressions_as_text(item)
    elif isinstance(value, list):
        for item in value:
            yield from _expressions_as_text(item)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every part of a document."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in children:
        yield (*path, key)
        yield from places(item, (*path, key))


def spoil(document: Any, draw: Any) -> str:
    """Change one part of a document: drop it, misspell it, put something else there, or add something beside it."""
    found = list(places(document))
    if not found:
        return "nothing"
    *way, key = draw(st.sampled_from(found))
    parent = document
    for step in way:
        parent = parent[step]
    how = draw(st.sampled_from(["drop", "misspell", "replace", "add", "move"]))
    if how == "drop":
        del parent[key]
    elif how == "replace":
        parent[key] = copy.deepcopy(draw(st.sampled_from(OTHERS)))
    elif how == "misspell" and isinstance(parent, dict):
        parent[f"{key}x"] = parent.pop(key)
    elif how == "add" and isinstance(parent, dict):
        parent[draw(st.sampled_from(WORDS))] = copy.deepcopy(draw(st.sampled_from(OTHERS)))
    elif how == "move" and isinstance(parent, dict):
        parent[draw(st.sampled_from(WORDS))] = parent.pop(key)
    return f"{how} {key} in {way}"


WORDS = (
    *("if", "then", "input", "output", "export", "timeout", "metadata", "schema", "from", "as", "document", "resource"),
    *(
        "call",
        "with",
        "do",
        "for",
        "each",
        "in",
        "at",
        "while",
        "fork",
        "branches",
        "compete",
        "emit",
        "event",
        "listen",
    ),
    *("to", "read", "foreach", "raise", "error", "run", "await", "return", "container", "script", "shell", "workflow"),
    *(
        "set",
        "switch",
        "when",
        "try",
        "catch",
        "errors",
        "exceptWhen",
        "retry",
        "wait",
        "use",
        "basic",
        "bearer",
        "oauth2",
    ),
    *("all", "any", "one", "until", "correlate", "after", "cleanup", "lifetime", "code", "source", "endpoint", "uri"),
    *("delay", "backoff", "limit", "attempt", "count", "jitter", "seconds", "days", "schedule", "every", "cron", "on"),
    *("http", "stdio", "transport", "message", "subscription", "operation", "channel", "consume", "amount", "server"),
)


def test_examples_are_accepted(example: Path) -> None:
    """Every example of the specification has nothing to complain about, not even a warning."""
    findings = Findings()
    structure(read_yaml(example), None, findings)
    assert findings == []


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_the_verdict_is_that_of_the_official_schema(
    data: st.DataObject, examples: list[Any], official: jsonschema_rs.Validator
) -> None:
    """However examples are changed in up to three places, the schema and we accept and refuse the same of them."""
    document = copy.deepcopy(data.draw(st.sampled_from(examples)))
    for _ in range(data.draw(st.integers(1, 3))):
        spoil(document, data.draw)
    if not is_deliberate(document):
        assert accepts(document) == official.is_valid(document), document


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_whatever_becomes_of_examples_is_reported(data: st.DataObject, examples: list[Any]) -> None:
    """However examples are changed, there is a report, and what is loaded is what is valid and supported."""
    document = copy.deepcopy(data.draw(st.sampled_from(examples)))
    for _ in range(data.draw(st.integers(1, 4))):
        spoil(document, data.draw)
    document = document if isinstance(document, dict) else {}
    report = validate_document(document)
    assert loads(document) is not bool(report.faults or report.unsupported)


def loads(document: Any) -> bool:
    try:
        load_document(document)
    except DocumentError:
        return False
    return True


def test_deliberate_differences(official: jsonschema_rs.Validator) -> None:
    """Unknown sections are refused, and expressions for `instance` and `time` accepted, where the schema says otherwise."""
    head = {"dsl": "1.0.3", "namespace": "a", "name": "b", "version": "1.0.0"}
    unknown = {"document": head, "do": [], "outptu": {}}
    error = {"type": "https://a.b", "status": 400, "instance": "${ .where }"}
    instance = {"document": head, "do": [{"a": {"raise": {"error": error}}}]}
    event = {"event": {"with": {"type": "a", "time": "${ .when }"}}}
    time = {"document": head, "do": [{"a": {"emit": event}}]}

    assert (accepts(unknown), official.is_valid(unknown)) == (False, True)
    assert (accepts(instance), official.is_valid(instance)) == (True, False)
    assert (accepts(time), official.is_valid(time)) == (True, False)
