"""`maestro workflow validate` and `graph` need no environment: they only read files."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from maestro_cli.cli import cli

HEAD = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
GOOD = HEAD + "do:\n  - nap: {wait: PT1S}\n"
BAD = HEAD + "do:\n  - nap:\n      wiat: PT1S\n"
ODD = HEAD + "do:\n  - nap: {wait: PT1S, then: end}\n  - more: {wait: PT1S}\n"
ELSEWHERE = HEAD + "evaluate: {language: js}\ndo: []\n"


def ask(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["workflow", *map(str, arguments)], input=text)


@pytest.mark.parametrize(
    ("text", "usual", "strict"), [(GOOD, 0, 0), (BAD, 1, 1), (ODD, 0, 1), (ELSEWHERE, 0, 1), ("a: [", 1, 1)]
)
def test_exit_codes(tmp_path: Path, text: str, usual: int, strict: int) -> None:
    """A fault fails; warnings and what cannot be run here fail only when that is asked for."""
    file = tmp_path / "flow.yaml"
    file.write_text(text)

    assert ask("validate", file).exit_code == usual
    assert ask("validate", "--strict", file).exit_code == strict


def test_a_fault_is_shown_as_compilers_do(tmp_path: Path) -> None:
    """Kind, message, file with line and column, path, the line with a mark, and what was probably meant."""
    file = tmp_path / "flow.yaml"
    file.write_text(BAD)

    done = ask("validate", file)

    assert done.stdout == (
        "error[no-kind]: says not what to do; a task has one of call, do, emit, for, fork, listen, raise, run, set, switch,"
        " try, wait\n"
        f"  --> {file}:3:5  /do/0/nap\n"
        "  |\n"
        "3 |   - nap:\n"
        "  |     ^^^\n"
        "  = did you mean 'wait'?\n"
        "\n"
    )
    assert done.stderr == "1 document checked: 1 error, 0 warnings, 0 not supported here\n"


def test_folders_files_and_standard_input(tmp_path: Path) -> None:
    """Folders are searched for documents and nothing else; files are taken at their word; - is standard input."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.yml").write_text(GOOD)
    (tmp_path / "b.json").write_text(json.dumps({"document": {}, "do": []}))
    (tmp_path / "values.yaml").write_text("replicas: 3\n")
    other = tmp_path / "other.txt"
    other.write_text(GOOD)

    done = ask("validate", "--json", tmp_path, other, "-", text=ODD)

    documents = json.loads(done.stdout)["documents"]
    assert [(Path(each["file"]).name, each["valid"]) for each in documents] == [
        ("b.json", False),
        ("a.yml", True),
        ("other.txt", True),
        ("<stdin>", True),
    ]
    assert [fault["rule"] for fault in documents[3]["warnings"]] == ["unreachable"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there is named, the others are checked all the same, and the exit code is 2."""
    (tmp_path / "flow.yaml").write_text(BAD)

    done = ask("validate", tmp_path / "none.yaml", tmp_path / "flow.yaml")

    assert done.exit_code == 2
    assert f"cannot read {tmp_path / 'none.yaml'}: No such file or directory" in done.stderr
    assert "error[no-kind]" in done.stdout


def test_what_cannot_be_run_here_is_told_apart(tmp_path: Path) -> None:
    """A valid document with a part that this release cannot run says so in words of its own."""
    file = tmp_path / "flow.yaml"
    file.write_text(ELSEWHERE)

    done = ask("validate", file)

    assert done.stdout.startswith("not supported here: expression languages other than jq\n")
    assert "0 errors, 0 warnings, 1 not supported here" in done.stderr


def test_drawing_on_standard_output(tmp_path: Path) -> None:
    """Mermaid is the default; SVG and JSON are there for the asking."""
    file = tmp_path / "flow.yaml"
    file.write_text(GOOD)

    assert "flowchart TD" in ask("graph", file).stdout
    assert ET.fromstring(ask("graph", file, "--format", "svg").stdout).tag.endswith("svg")
    assert json.loads(ask("graph", "-", "--format", "json", text=GOOD).stdout)["name"] == "test/sample:1.0.0"


@pytest.mark.parametrize(("name", "start"), [("a.svg", "<svg"), ("a.json", "{"), ("a.mmd", "---")])
def test_drawing_into_a_file(tmp_path: Path, name: str, start: str) -> None:
    """The suffix of the file says how to draw."""
    file = tmp_path / "flow.yaml"
    file.write_text(GOOD)

    done = ask("graph", file, "-o", tmp_path / name)

    assert (done.exit_code, done.stdout) == (0, "")
    assert (tmp_path / name).read_text().startswith(start)


def test_drawing_a_document_with_a_fault(tmp_path: Path) -> None:
    """There is no picture of what is no document: its faults are told instead."""
    file = tmp_path / "flow.yaml"
    file.write_text(BAD)

    done = ask("graph", file)

    assert (done.exit_code, done.stdout) == (1, "")
    assert "error[no-kind]" in done.stderr
    assert ask("graph", tmp_path / "none.yaml").exit_code == 2


def test_a_folder_without_documents_is_not_fine(tmp_path: Path) -> None:
    """Somebody meant another folder, who would take silence for success."""
    (tmp_path / "values.yaml").write_text("replicas: 3\n")

    done = ask("validate", tmp_path)

    assert done.exit_code == 2
    assert f"no workflow document in {tmp_path}" in done.stderr


def test_of_endless_lines_a_part_is_shown(tmp_path: Path) -> None:
    """What is wrong in a line of a megabyte is told with a part of the line."""
    file = tmp_path / "flow.json"
    file.write_text(f'{{"x": "{"y" * 1_000_000}"}}')

    done = ask("validate", file)

    assert done.exit_code == 1
    assert f"--> {file}:1:2  /x" in done.stdout
    assert len(done.stdout) < 2000


@pytest.mark.parametrize("command", ["validate", "graph"])
@pytest.mark.parametrize("content", [b"", b"\x00", b"\xff\xfe", b"[" * 5000, b"a: 1\n---\nb: 2\n", b"*a", b"a: b: c"])
def test_what_is_no_document_is_an_error_in_words(tmp_path: Path, command: str, content: bytes) -> None:
    """Nothing that a file may hold ends in a traceback."""
    file = tmp_path / "flow.yaml"
    file.write_bytes(content)

    done = ask(command, file)

    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert f"--> {file}" in done.output
