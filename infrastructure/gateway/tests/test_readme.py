import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_example_runs_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    """The Python example of the README prints both configurations."""
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    assert "shop" in capsys.readouterr().out
