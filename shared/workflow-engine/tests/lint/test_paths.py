from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

from maestro_workflow_engine.lint import LintSourceError, exit_code, lint_paths, lint_source

FLOW = "from maestro_workflow_engine import workflow\n"
CLOCK = "import time\ndef read(): return time.time()\n"


def places(*paths: Path) -> list[tuple[str, int, str]]:
    return [(Path(each.path).name, each.line, " > ".join(each.trail)) for each in lint_paths(paths).findings]


def package(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@pytest.mark.parametrize(
    "imports",
    [
        "from shop.clock import read",
        "from .clock import read",
        "from .clock import read as other; read = other",
        "from . import clock; read = clock.read",
        "from shop import clock; read = clock.read",
        "import shop.clock; read = shop.clock.read",
        "from shop import read",
        "from shop.stars import read",
        "from shop.clock import *",
    ],
)
def test_first_party_imports_are_followed(tmp_path, imports):
    """However a function of the same project is imported, what it does is found, in its own file."""
    package(
        tmp_path,
        {
            "shop/__init__.py": "from shop.clock import read\n",
            "shop/clock.py": CLOCK,
            "shop/stars.py": "from .clock import *\n",
            "shop/flow.py": f"{FLOW}{imports}\n@workflow\nasync def flow(): read()\n",
        },
    )
    assert places(tmp_path / "shop" / "flow.py") == [("clock.py", 2, "read")]
    assert places(tmp_path) == [("clock.py", 2, "read")]


def test_a_decorator_that_the_project_hands_on(tmp_path):
    """A workflow is found when the decorator comes through a module of the project."""
    package(
        tmp_path,
        {
            "base.py": "from maestro_workflow_engine import step, workflow as durable\n",
            "flow.py": "import time\nfrom base import durable, step\n@step\ndef free(): time.time()\n"
            "@durable\nasync def flow():\n    await free()\n    time.sleep(1)\n",
        },
    )
    assert places(tmp_path / "flow.py") == [("flow.py", 8, "")]


def test_state_and_values_of_other_modules(tmp_path):
    """What another module holds is shared state, and a set of it has no order."""
    package(
        tmp_path,
        {
            "state.py": "CACHE = {}\nNAMES = {'a', 'b'}\n",
            "flow.py": f"{FLOW}from state import CACHE, NAMES\n@workflow\nasync def flow():\n    CACHE['x'] = 1\n    CACHE.clear()\n    return list(NAMES)\n",
        },
    )
    assert [each.code for each in lint_paths([tmp_path]).findings] == ["MWF701", "MWF701", "MWF601"]


def test_scripts_of_one_name_do_not_mix(tmp_path):
    """A script imports its neighbour, not a file of the same name elsewhere."""
    for folder, text in (("one", "def read(): pass\n"), ("two", CLOCK)):
        package(
            tmp_path / folder,
            {"clock.py": text, "flow.py": f"{FLOW}from clock import read\n@workflow\nasync def flow(): read()\n"},
        )
    (finding,) = lint_paths([tmp_path]).findings
    assert Path(finding.path).parent.name == "two"


def test_imports_between_packages_of_one_call(tmp_path):
    """Packages in different source folders find one another when both are given."""
    package(tmp_path / "a" / "src", {"left/__init__.py": "", "left/clock.py": CLOCK})
    package(
        tmp_path / "b" / "src",
        {
            "right/__init__.py": "",
            "right/flow.py": f"{FLOW}from left.clock import read\n@workflow\nasync def f(): read()\n",
        },
    )
    assert places(tmp_path) == [("clock.py", 2, "read")]
    assert places(tmp_path / "b") == []


def test_installed_packages_and_caches_are_left_out(tmp_path):
    """A folder is searched without what is not the project's own."""
    bad = f"import time\n{FLOW}@workflow\nasync def flow(): time.sleep(1)\n"
    package(
        tmp_path,
        {
            ".hidden/flow.py": bad,
            "node_modules/flow.py": bad,
            "env/lib/flow.py": bad,
            "env/pyvenv.cfg": "",
            "lib/site-packages/flow.py": bad,
            "flow.py": bad,
        },
    )
    report = lint_paths([tmp_path])
    assert (report.files, len(report.findings)) == (1, 1)


def test_unreadable_files_are_told_and_the_others_checked(tmp_path):
    """Broken syntax, a broken encoding and a missing file are named; findings in the other files stay."""
    package(
        tmp_path,
        {
            "broken.py": "x = 1\ndef (\n",
            "flow.py": f"import time\nimport broken\n{FLOW}@workflow\nasync def flow(): time.sleep(1); broken.x()\n",
        },
    )
    (tmp_path / "bytes.py").write_bytes(b"x = '\xff'\n")
    (tmp_path / "zero.py").write_bytes(b"x = 1\0\n")

    report = lint_paths([tmp_path, tmp_path / "none.py"])

    assert {Path(error.path).name: error.line for error in report.unreadable} == {
        "broken.py": 2, "bytes.py": None, "zero.py": None, "none.py": None,
    }  # fmt: skip
    assert [each.code for each in report.findings] == ["MWF102"]
    assert exit_code(report) == 2


def test_a_text_that_is_no_python():
    """The error of a text has its place."""
    with pytest.raises(LintSourceError, match=r"flow\.py:2:5: no Python: ") as caught:
        lint_source("x = 1\ndef (\n", "flow.py")
    assert (caught.value.path, caught.value.line) == ("flow.py", 2)


def test_a_declared_encoding_is_honoured(tmp_path):
    """Files in other encodings are read as Python reads them."""
    text = f"# coding: latin-1\nimport time\n{FLOW}@workflow\nasync def flow(): 'ä'; time.sleep(1)\n"
    (tmp_path / "flow.py").write_bytes(text.encode("latin-1"))
    (finding,) = lint_paths([tmp_path / "flow.py"]).findings
    assert finding.column == 24


@pytest.mark.parametrize(("text", "expected"), [("time.sleep(1)", 1), ("pass", 0)])
def test_as_a_module(tmp_path, monkeypatch, capsys, text, expected):
    """`python -m maestro_workflow_engine.lint` prints findings and ends with the exit code that tells of them."""
    file = tmp_path / "flow.py"
    file.write_text(f"import time\n{FLOW}@workflow\nasync def flow(): {text}\n")
    monkeypatch.setattr(sys, "argv", ["lint", "--json", str(file)])

    with pytest.raises(SystemExit) as ended:
        runpy.run_module("maestro_workflow_engine.lint", run_name="__main__", alter_sys=True)

    assert ended.value.code == expected
    report = json.loads(capsys.readouterr().out)
    assert report["files"] == 1
    assert [each["code"] for each in report["findings"]] == ["MWF102"] * expected
