"""The table of what the runners can do is the one that the conformance suite gives."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_capabilities", ROOT / "docs/capabilities.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def collected(script: ModuleType) -> str:
    """The table of a green suite."""
    table: str = script.table(is_run=False)
    return table


def test_the_page_agrees_with_the_suite(script: ModuleType, collected: str):
    """A test that is added, dropped, or expected to be refused changes the table: `make capabilities` writes it."""
    assert script.kept(script.PAGE.read_text()) == collected


def test_what_a_row_says_follows_from_its_results(script: ModuleType):
    """All passed: yes; all refused: no, with the reason; some: partly; nothing known: that."""
    module = script.capabilities()
    refused = next(iter(module.REFUSED))

    def rows(*outcomes: str) -> str:
        results = [module.Result("types", "temporal", refused, "test_x", outcome) for outcome in outcomes]
        return module.table(results).splitlines()[2]

    reason = module.REFUSED[refused]
    assert rows("passed", "passed").split(" | ")[1:] == ["not known", "yes", "", "`test_x` |"]
    assert rows("refused").split(" | ")[2:4] == ["no", reason]
    assert rows("passed", "refused").split(" | ")[2:4] == ["partly", reason]
    assert rows("passed", "failed").split(" | ")[2] == "not known"


def test_every_row_is_shown_by_a_test_on_both_runners(collected: str):
    """No row is there by word of mouth."""
    assert "not known" not in collected
