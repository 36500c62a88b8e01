"""The specification's examples, its invalid documents, and its JSON Schema as a second opinion."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from ruamel.yaml import YAML

from maestro_workflow_engine.dsl import DocumentError, Fault, load_document


def faults(document: Any) -> list[Fault]:
    try:
        load_document(document)
    except DocumentError as error:
        return list(error.faults)
    return []


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def schema(conformance_data: Path) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(read_yaml(conformance_data / "schema" / "workflow.yaml"))


def test_every_example_loads(example: Path, schema: jsonschema_rs.Validator) -> None:
    """Nothing in the examples of the specification is refused."""
    assert schema.is_valid(read_yaml(example))
    assert faults(example.read_text(encoding="utf-8")) == []


def test_invalid_documents_are_refused(invalid_document: Path) -> None:
    """Every invalid document has a fault that is more than being unsupported."""
    found = faults(invalid_document.read_text(encoding="utf-8"))
    assert [fault for fault in found if not fault.message.startswith("not supported yet: ")]


def mutations(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[str, tuple[Any, ...], Any]]:
    """Name every way to spoil one spot: drop it, misspell its key, or put another kind of value there."""
    if path:
        yield "drop", path, None
        others: tuple[Any, ...] = (None, 7, True, "word", [], {}, {"unknown": 1})
        for other in others:
            yield "replace", path, other
    if isinstance(value, dict):
        for key in value:
            yield "misspell", (*path, key), None
            yield from mutations(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from mutations(item, (*path, index))


def spoil(document: Any, how: str, path: tuple[Any, ...], other: Any) -> Any:
    document = copy.deepcopy(document)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    if how == "replace":
        parent[path[-1]] = other
    elif how == "drop":
        del parent[path[-1]]
    else:
        parent[f"{path[-1]}x"] = parent.pop(path[-1])
    return document


def test_what_the_schema_refuses_is_refused_here_too(example: Path, schema: jsonschema_rs.Validator) -> None:
    """However an example is spoilt in one spot, a document that the official schema refuses never loads."""
    document = read_yaml(example)
    spoilt = [(change, spoil(document, *change)) for change in mutations(document)]
    loaded = [change for change, result in spoilt if not schema.is_valid(result) and not faults(result)]
    assert loaded == []
    assert any(schema.is_valid(result) for _, result in spoilt)
