from pathlib import Path

import pytest

from maestro_cli import InputError
from maestro_cli._documents import is_document, read_document, read_value

DOCUMENT = "document: {dsl: '1.0.3', namespace: a, name: b, version: '1.0.0'}\ndo: []\n"


def test_file_or_name(tmp_path: Path) -> None:
    """A YAML or JSON suffix, or an existing file, means a document; everything else is a name."""
    (tmp_path / "flow").write_text("")

    assert is_document("flow.yaml")
    assert is_document(str(tmp_path / "flow"))
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
        ("a: [1", "flow.yaml:2:1 is not YAML"),
        ("a: 1", "document.namespace, document.name, document.version"),
        ("document: {namespace: a, name: b, version: 1.0}", "lacks document.version"),
        ("- a", "not a workflow document"),
        ("", "not a workflow document"),
    ],
)
def test_unusable_documents(tmp_path: Path, text: str, said: str) -> None:
    """A file that is no document says what is wrong with it, and where."""
    path = tmp_path / "flow.yaml"
    path.write_text(text + "\n" if text else "")

    with pytest.raises(InputError) as caught:
        read_document(path)

    assert said in caught.value.message
    assert caught.value.exit_code == 2


def test_missing_document(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(InputError, match=r"none\.yaml: No such file"):
        read_document(tmp_path / "none.yaml")


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
