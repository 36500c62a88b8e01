"""Writes what the runners can do into docs/workflow-engine/runners.md, from the results of the conformance suite.

python docs/capabilities.py             # runs the suite on both runners, a minute or two
python docs/capabilities.py --collect   # prints the table that a green suite gives; runs nothing
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

ROOT = Path(__file__).parents[1]
SUITE = ROOT / "shared/workflow-engine/tests/conformance"
PATTERNS = SUITE.parent / "patterns"
PAGE = ROOT / "docs/workflow-engine/runners.md"
BEGIN, END = "<!-- capabilities -->", "<!-- end -->"


def capabilities() -> ModuleType:
    """Return the module that has the rows."""
    spec = importlib.util.spec_from_file_location("conformance_capabilities", SUITE / "capabilities.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def table(*, is_run: bool) -> str:
    """Return the table.

    Args:
        is_run: Whether the suite runs; otherwise it is collected, and each test counts as if it did what it has to.

    Raises:
        SystemExit: A test failed, or a runner's tests were left out.
    """
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        how = ["-q"] if is_run else ["-q", "--collect-only"]
        environment = {**os.environ, "MAESTRO_CAPABILITIES": str(report)}  # noqa: TID251  a script hands on its own
        command = [
            sys.executable,
            "-m",
            "pytest",
            str(SUITE),
            str(PATTERNS),
            "-p",
            "no:cacheprovider",
            "-m",
            "slow or not slow",
            *how,
        ]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=not is_run, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"the conformance suite failed: the table stays as it is\n{done.stdout or ''}")
        module = capabilities()
        results = [module.Result(**each) for each in json.loads(report.read_text())]
    other = sorted({each.test for each in results if each.outcome not in ("passed", "refused")})
    if other:
        raise SystemExit(f"neither passed nor refused: {', '.join(other)}; is the Temporal server installed?")
    text: str = module.table(results)
    return text


def kept(page: str) -> str:
    """Return the table that the page has."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def main() -> None:
    """Write, or print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collect", action="store_true", help="print the table of a green suite, and run nothing")
    if parser.parse_args().collect:
        print(table(is_run=False))
        return
    made, page = table(is_run=True), PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}")


if __name__ == "__main__":
    main()
