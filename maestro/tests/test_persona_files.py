from pathlib import Path

import pytest

from maestro.domain.errors import SetupError
from maestro.persona_files import load_personas

ORACLE = """
name: oracle
title: Oracle
system_prompt: You know everything.
output_schema: {type: object}
"""


def _faults(folder: Path) -> list[str]:
    with pytest.raises(SetupError) as caught:
        load_personas(folder)
    return [str(fault) for fault in caught.value.faults]


def test_a_folder_adds_to_the_built_in_personas(tmp_path: Path) -> None:
    """Files of a folder, YAML or JSON, come on top of the built-in personas; other files are left alone."""
    (tmp_path / "oracle.yaml").write_text(ORACLE)
    (tmp_path / "judge.json").write_text(
        '{"name": "judge", "title": "J", "system_prompt": "Judge.", "output_schema": {}, "model": {"max_tokens": 9}}'
    )
    (tmp_path / "README.md").write_text("not a persona")
    personas = load_personas(tmp_path)
    assert [persona.name for persona in personas] == ["judge", "license-analyst", "oracle", "summarizer"]
    assert personas.get("judge").model.max_tokens == 9
    assert (personas.get("oracle").version, personas.get("oracle").recognizer) == ("1.0.0", None)


def test_a_file_replaces_a_built_in_persona(tmp_path: Path) -> None:
    """A persona of a built-in one's name takes its place as a whole."""
    (tmp_path / "summarizer.yaml").write_text(ORACLE.replace("oracle", "summarizer"))
    personas = load_personas(tmp_path)
    assert len(list(personas)) == 2
    assert personas.get("summarizer").title == "Oracle"


def test_every_fault_of_every_file_is_listed(tmp_path: Path) -> None:
    """Wrong types, unknown and missing members of all files come at once, each with file and line."""
    (tmp_path / "a.yaml").write_text(ORACLE.replace("title: Oracle", "title: 7") + "promt: typo\nversion: 1.0\n")
    (tmp_path / "b.yaml").write_text("name: Not A Name\nmodel:\n  temperature: 3\n  max_tokens: many\n")
    assert _faults(tmp_path) == [
        f"{tmp_path}/a.yaml:7: version: must be text; put 1.0 in quotes",
        f"{tmp_path}/a.yaml:3: title: must be text; put 7 in quotes",
        f"{tmp_path}/a.yaml:6: promt: there is no such member; there is: name, version, title, description, "
        "system_prompt, user_template, output_schema, recognizer, model",
        f"{tmp_path}/b.yaml:1: name: String should match pattern '^[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?$'",
        f"{tmp_path}/b.yaml:1: title: is missing",
        f"{tmp_path}/b.yaml:1: system_prompt: is missing",
        f"{tmp_path}/b.yaml:1: output_schema: is missing",
        f"{tmp_path}/b.yaml:3: model.temperature: Input should be less than or equal to 2",
        f"{tmp_path}/b.yaml:4: model.max_tokens: Input should be a valid integer, unable to parse string as an integer",
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"name: [oracle", ":1: is neither YAML nor JSON"),
        (b"name: a\nname: b\n", "found duplicate key"),
        (b"\xff\xfe", ": is not UTF-8 text"),
        (b"", ":1: must hold one persona"),
        (b"- name: oracle", ":1: must hold one persona"),
    ],
)
def test_a_file_that_is_no_persona_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    """Broken text, an empty file and a list are each one fault that names the file."""
    (tmp_path / "oracle.yaml").write_bytes(content)
    (fault,) = _faults(tmp_path)
    assert fault.startswith(f"{tmp_path}/oracle.yaml")
    assert told in fault


@pytest.mark.parametrize(
    "schema", ["{type: objekt}", "{$ref: 'https://example.org/schema'}", "{$ref: 'file:///etc/passwd'}"]
)
def test_an_output_schema_has_to_be_one(tmp_path: Path, schema: str) -> None:
    """A schema that is none, or that leads to another document, is a fault."""
    (tmp_path / "oracle.yaml").write_text(ORACLE.replace("{type: object}", schema))
    (fault,) = _faults(tmp_path)
    assert fault.startswith(f"{tmp_path}/oracle.yaml:5: output_schema: is no JSON Schema")


def test_two_files_for_one_persona_contradict_each_other(tmp_path: Path) -> None:
    """The same name in two files of the folder is a fault that names both."""
    (tmp_path / "a.yaml").write_text(ORACLE)
    (tmp_path / "b.yaml").write_text(ORACLE)
    assert _faults(tmp_path) == [
        f"{tmp_path}/b.yaml: declares the persona 'oracle', as {tmp_path}/a.yaml does",
    ]


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    """A configured folder has to exist."""
    assert _faults(tmp_path / "gone") == [
        f"{tmp_path}/gone: the folder of personas cannot be read: No such file or directory"
    ]
