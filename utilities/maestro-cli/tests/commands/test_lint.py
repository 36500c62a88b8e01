"""`maestro workflow lint` needs no environment: it only reads files."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from maestro_cli.cli import cli

GOOD = "from maestro_workflow_engine import now, workflow\n@workflow\nasync def flow() -> str:\n    return str(now())\n"
BAD = "import time\nfrom maestro_workflow_engine import workflow\n@workflow\nasync def flow() -> float:\n    return time.time()\n"


@pytest.mark.parametrize(("text", "expected"), [(GOOD, 0), (BAD, 1), ("def (", 2)])
def test_exit_code(tmp_path: Path, text: str, expected: int) -> None:
    """The exit code tells nothing found, findings and files that cannot be read apart."""
    (tmp_path / "flow.py").write_text(text)

    assert CliRunner().invoke(cli, ["workflow", "lint", str(tmp_path)]).exit_code == expected


def test_findings_as_text(tmp_path: Path) -> None:
    """Standard output has one line per finding, and nothing else."""
    file = tmp_path / "flow.py"
    file.write_text(BAD)

    done = CliRunner().invoke(cli, ["workflow", "lint", str(file)])

    assert done.stdout.startswith(f"{file}:5:12: MWF101 time.time() ")
    assert len(done.stdout.splitlines()) == 1
    assert "1 file checked: 1 finding" in done.stderr


def test_findings_as_json(tmp_path: Path) -> None:
    """With --json, findings and unreadable files are data."""
    (tmp_path / "flow.py").write_text(BAD)

    done = CliRunner().invoke(cli, ["workflow", "lint", "--json", str(tmp_path), str(tmp_path / "none.py")])

    report = json.loads(done.stdout)
    assert done.exit_code == 2
    assert [(each["code"], each["line"], each["workflow"]) for each in report["findings"]] == [("MWF101", 5, "flow")]
    assert [each["path"] for each in report["unreadable"]] == [str(tmp_path / "none.py")]
