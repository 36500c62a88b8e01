import re
import subprocess
import sys
from pathlib import Path


def test_the_readmes_example_runs(tmp_path: Path, own_license: str) -> None:
    """The Python block of the README works as written and prints what it promises."""
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    (tmp_path / "LICENSE").write_text(own_license, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Apache-2.0 1.00\n"), done.stderr
