"""Documents show files and their output exactly, and their links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import runpy
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "workflow-engine"
EXAMPLES = sorted((GUIDE / "examples").glob("*.py"))
TESTED = [path for path in EXAMPLES if path.name.startswith("test_")]
PROSE = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(path for path in ROOT.glob("*/*/README.md") if path.parts[-3] != "node_modules"),
]

_spec = importlib.util.spec_from_file_location("docs_insert", ROOT / "docs" / "insert.py")
assert _spec is not None
assert _spec.loader is not None
insert: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(insert)

MARKED = list(insert.documents())


@pytest.mark.timeout(400)  # each command of a session is a process of its own
@pytest.mark.parametrize("path", MARKED, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_shows_what_its_files_say_and_print(path: Path):
    """Each block below a mark is the region of the file, or what the commands print today. If not: `make docs`."""
    text = path.read_text("utf-8")
    assert insert.inserted(text) == text


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path not in TESTED], ids=lambda path: path.name)
def test_an_example_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each example is a program that ends well, from any folder and without arguments."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [path.name])
    runpy.run_path(str(path), run_name="__main__")


def test_the_examples_of_tests_pass():
    """What the guide shows as tests are tests that pass."""
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=prepend", "-o", "addopts=", "-o", "asyncio_mode=auto"]
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", *options, *map(str, TESTED)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_example_is_shown():
    """No example lies about that no page refers to."""
    shown = {mark[2].partition("#")[0] for path in MARKED for mark in insert._MARK.finditer(path.read_text("utf-8"))}
    assert {str(path.relative_to(ROOT)) for path in EXAMPLES} <= shown


@pytest.mark.parametrize("path", sorted(GUIDE.glob("*.md")), ids=lambda path: path.name)
def test_the_guide_has_no_code_of_its_own(path: Path):
    """Every block of code and every session on a page of the guide stands below a mark; a page fits in one reading."""
    text = path.read_text("utf-8")
    rest = insert._MARK.sub("", text)
    assert re.findall(r"^```(?:python|console|yaml|json)", rest, re.MULTILINE) == []
    assert text.count("\n") < 150


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path):
    """Each relative link of a document names a file or folder of the repository."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    gone = [target for target in targets if target and "://" not in target and not (path.parent / target).exists()]
    assert gone == []


def test_every_page_of_the_guide_is_in_its_index():
    """The index names each page, and each page but the last leads to the next one of the index."""
    index = re.findall(r"^\| \[[^\]]+\]\(([a-z-]+\.md)\)", (GUIDE / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(index) == sorted(path.name for path in GUIDE.glob("*.md") if path.name != "README.md")
    for page, following in pairwise(index[:-1]):
        assert (GUIDE / page).read_text("utf-8").rstrip().endswith(f"]({following})"), page


def test_the_modules_that_the_guide_names_are_there():
    """Where the guide sends a reader into the code, there is that file."""
    source = ROOT / "shared" / "workflow-engine" / "src" / "maestro_workflow_engine"
    named = re.findall(r"`((?:machine|embedded)/\w*(?:\.py)?)`", (GUIDE / "how-it-works.md").read_text("utf-8"))
    assert named
    assert [name for name in named if not (source / name).exists()] == []


def test_a_region_is_cut_out():
    """A region loses its indentation and the marks of regions within it; the whole file loses only the marks."""
    source = "a\n# region: x\n    b\n    # region: y\n    c\n    # endregion: y\n    # endregion: x\nd\n"
    assert insert.region(source, "x") == "b\nc\n"
    assert insert.region(source, None) == "a\n    b\n    c\nd\n"


@pytest.mark.parametrize("mark", ["docs/nowhere.py", "docs/insert.py#nothing"])
def test_a_mark_that_leads_nowhere_is_an_error(mark: str):
    """A file or region that is not there is named, not left out."""
    with pytest.raises(insert.InsertError, match=r"docs/nowhere\.py|'nothing'"):
        insert.inserted(f"<!-- code: {mark} -->\n")
