"""The examples of the page on configuration run."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "configuration"
PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_an_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a program that ends well, and is shown on the page."""
    shutil.copytree(EXAMPLES, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.syspath_prepend(tmp_path / "here")  # they import one another
    for variable in ("MAIL_API_KEY", "MAIL_DATABASE__POOL_SIZE", "MAIL_SENDERS"):
        monkeypatch.setenv(variable, "[]")  # so that it is put back
    runpy.run_path(name, run_name="__main__")
    assert f"docs/configuration/{name}#" in PAGE


def test_the_page_has_no_python_of_its_own() -> None:
    """Every block of code stands below a mark."""
    blocks = re.findall(r"^(?:<!-- (?:code|console): .* -->\n)?```(?:python|console)$", PAGE, re.MULTILINE)
    assert blocks
    assert all(block.startswith("<!--") for block in blocks)
