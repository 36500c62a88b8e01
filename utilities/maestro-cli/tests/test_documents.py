from pathlib import Path

import pytest

from maestro_cli import InputError, InvalidDocumentError
from maestro_cli._documents import is_document, read_document, read_value

DOCUMENT = "document: {dsl: '1.0.3', namespace: a, name: b, version: '1.0.0'}\ndo: [{rest: {wait: PT1S}}]\n"


def test_file_or_name(tmp_path: Path) -> None:
    """A YAML or JSON suffix, or an existing file, means a document; everything else is a name."""
    (tmp_path / "flow").write_text("")

    assert is_document("flow.yaml")
    assert is_document(str(tmp_path / "flow"))
    assert is_document("-")
    assert is_document("./flows")
    assert is_document("flows/")
    assert not is_document("examples/dependency-review")
    assert not is_document("examples/dependency-review:1.0.0")


def test_reference(tmp_path: Path) -> None:
    """A document is run by its namespace, name and version, and sent as it was written."""
    path = tmp_path / "flow.yml"
    path.write_text(DOCUMENT)

    document = read_document(path)

    assert document.reference == "a/b:1.0.0"
    assert (document.text, document.content_type) == (DOCUMENT, "application/yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\n", "--> {path}:2:1"),
        ("a: 1\n", "'document' is missing"),
        (DOCUMENT.replace("'1.0.0'", "1.0"), "--> {path}:1:49  /document/version"),
        (DOCUMENT.replace("'1.0.0'", "on"), "'on' is no semantic version"),
        (DOCUMENT + "do: []\n", "error[duplicate-key]"),
        ("- a\n", "must be a mapping"),
        ("", "is empty"),
        ("\ud800", "is not UTF-8 text"),
    ],
)
def test_unusable_documents(tmp_path: Path, text: str, said: str) -> None:
    """A file that is no document says what is wrong with it and where, as `maestro workflow validate` does."""
    path = tmp_path / "flow.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(InvalidDocumentError) as caught:
        read_document(path)

    assert said.format(path=path) in "\n".join(caught.value.blocks)
    assert caught.value.exit_code == 1


def test_documents_are_read_as_yaml_1_2(tmp_path: Path) -> None:
    """`on` is text, as in the engine; a byte order mark is no part of the text."""
    path = tmp_path / "flow.json"
    path.write_bytes(b"\xef\xbb\xbf" + DOCUMENT.replace("name: b", "name: on").encode())

    document = read_document(path)

    assert (document.name, document.content_type) == ("on", "application/json")
    assert document.text.startswith("document:")


def test_missing_document(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(InputError, match=r"none\.yaml: No such file"):
        read_document(tmp_path / "none.yaml")


def test_unreadable_documents(tmp_path: Path) -> None:
    """A folder, and a name that no file can have, are errors in words."""
    with pytest.raises(InputError, match="Is a directory"):
        read_document(tmp_path)
    with pytest.raises(InputError, match="null"):
        read_document(Path("a\0.yaml"))


def test_values(tmp_path: Path) -> None:
    """A value is JSON, or stands in a file."""
    path = tmp_path / "value.json"
    path.write_text("[1]")

    assert read_value('{"n": 1}', "input") == {"n": 1}
    assert read_value(f"@{path}", "input") == [1]
    assert read_value(None, "input") is None


@pytest.mark.parametrize("text", ["hello", "", "@/does/not/exist", "{'a': 1}"])
def test_unusable_values(text: str) -> None:
    """What is not JSON is an error that shows how to give text and files."""
    with pytest.raises(InputError, match="input"):
        read_value(text, "input")
