"""The page on Open Workflow documents names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "open-workflow.md").read_text("utf-8")
TESTS = ROOT / "shared" / "workflow-engine" / "tests" / "dsl"
NAMED = sorted(set(re.findall(r"`([\w/.]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_the_page_names_is_there(file: str, name: str):
    """A line of the page that says what shows it can be followed."""
    assert re.search(rf"^(?:async )?def {name}\(", (TESTS / file).read_text("utf-8"), re.MULTILINE)


def test_every_section_is_shown_by_a_test():
    """No line of a table with a column of tests leaves it empty."""
    tables = re.findall(r"^\|[^\n]*\| test \|\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert tables
    assert [row for table in tables for row in table.splitlines() if ".py::" not in row] == []
