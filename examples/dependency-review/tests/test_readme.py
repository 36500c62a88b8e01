from __future__ import annotations

import re
from pathlib import Path

import pytest

_README = Path(__file__).parents[1] / "README.md"


def test_python_block_runs_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    """The README's Python block runs and prints what it says."""
    (block,) = re.findall(r"```python\n(.*?)```", _README.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(block, str(_README), "exec"), {})  # the block is this package's own
    printed = capsys.readouterr().out
    assert "maestro-workflow-engine Apache-2.0" in printed
    assert printed.endswith("a choice is declared, and the texts of 1 of its 2 alternatives were recognised\n")
