import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_works() -> None:
    """The README's example runs and prints what it measures, checks and traces."""
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    health, trace_id, exposition = done.stdout.splitlines()
    assert health == "False ['the journal is not open']"
    assert re.fullmatch("[0-9a-f]{32}", trace_id)
    assert exposition.startswith("text/plain; version=")
