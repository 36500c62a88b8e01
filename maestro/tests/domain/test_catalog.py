import pytest

from maestro.domain.catalog import Catalog, Definition, Kind, WorkflowKey, from_document, from_python, public_name
from maestro.domain.errors import UnknownWorkflowError
from maestro_workflow_engine import workflow
from maestro_workflow_engine.dsl import load_document


def _catalog(*references: str) -> Catalog:
    catalog = Catalog()
    for reference in references:
        name, version = reference.split(":")
        catalog.add(Definition(WorkflowKey.of(name, version), Kind.DOCUMENT, "", name))
    return catalog


def test_the_version_registered_last_is_the_latest() -> None:
    """A name alone leads to the version that was added last, whatever its number; a version leads to itself."""
    catalog = _catalog("a/b:2.0.0", "a/b:10.0.0", "a/b:9.0.0")
    assert catalog.find("a/b").key.version == "9.0.0"
    assert catalog.find("a/b:2.0.0").key.version == "2.0.0"
    assert [definition.key.version for definition in catalog.versions("a/b")] == ["9.0.0", "10.0.0", "2.0.0"]
    assert [catalog.is_latest(definition) for definition in catalog.versions("a/b")] == [True, False, False]


@pytest.mark.parametrize("reference", ["", "a", "a/c", "a/b:1.0.1", "a/b/c", ":1.0.0"])
def test_what_is_not_there_is_told_with_what_is(reference: str) -> None:
    """A reference that leads nowhere raises an error with the references that lead somewhere."""
    catalog = _catalog("a/b:1.0.0", "x/y:2.0.0")
    with pytest.raises(UnknownWorkflowError) as caught:
        catalog.find(reference)
    assert caught.value.available == ("a/b:1.0.0", "x/y:2.0.0")


def test_an_empty_catalog_says_so() -> None:
    """Nothing registered is said in words."""
    with pytest.raises(UnknownWorkflowError, match="none yet"):
        Catalog().find("a/b")


def test_a_python_workflow_without_a_namespace_is_in_python() -> None:
    """The engine's name stays as it is; the public one gets the namespace."""

    @workflow(version="1.2.0")
    async def pack() -> None:
        """Packs."""

    definition = from_python(pack)
    assert (str(definition.key), definition.engine_name, definition.title) == ("python/pack:1.2.0", "pack", "Packs.")
    assert (public_name("pack"), public_name("a/pack")) == ("python/pack", "a/pack")
    catalog = Catalog()
    catalog.add(definition)
    assert (catalog.engine_name("python/pack"), catalog.engine_name("a/gone")) == ("pack", "a/gone")


def test_a_document_brings_its_schema() -> None:
    """A document's input schema tells what is wrong with an input; a document without one takes anything."""
    head = "document: {dsl: '1.0.3', namespace: a, name: b, version: 1.0.0, summary: Sums up}\ndo: [{x: {set: {y: 1}}}]"
    schema = "\ninput: {schema: {format: json, document: {type: object, required: [n]}}}"
    plain, strict = from_document(load_document(head)), from_document(load_document(head + schema))
    assert plain.title == "Sums up"
    assert plain.check_input(7) is None
    assert strict.check_input({"n": 1}) is None
    fault = strict.check_input({})
    assert fault is not None
    assert fault.path == "input"
    assert '"n" is a required property' in fault.message
