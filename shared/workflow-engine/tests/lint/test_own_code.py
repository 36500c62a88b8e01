"""The check on code that is known to be right: it must have nothing to say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from maestro_workflow_engine.lint import lint_paths, lint_source

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "examples").is_dir())
WITH_WORKFLOWS = [ROOT / "README.md", ROOT / "shared" / "workflow-engine" / "README.md"]


def test_the_example_is_clean():
    """The dependency review, with everything it imports, has no finding and no suppression."""
    source = ROOT / "examples" / "dependency-review" / "src"
    report = lint_paths([source])
    assert report.files > 10
    assert (report.findings, report.unreadable) == ((), ())
    assert not any("# deterministic" in file.read_text() for file in source.rglob("*.py"))


def test_the_example_is_judged():
    """Without its steps being free the example would have findings: the check does reach its workflow."""
    text = (ROOT / "examples/dependency-review/src/dependency_review/workflow.py").read_text()
    broken = text.replace("generated_at=now()", "generated_at=datetime.now()").replace(
        "import asyncio\n", "import asyncio\nfrom datetime import datetime\n", 1
    )
    assert [each.code for each in lint_source(broken)] == ["MWF101"]


@pytest.mark.parametrize("file", WITH_WORKFLOWS, ids=lambda file: file.parent.name)
def test_the_documentation_is_clean(file):
    """What readers copy has no finding."""
    blocks = re.findall(r"^```python\n(.*?)^```", file.read_text(), re.MULTILINE | re.DOTALL)
    assert any("@workflow" in block for block in blocks)
    assert [str(each) for block in blocks for each in lint_source(block)] == []
