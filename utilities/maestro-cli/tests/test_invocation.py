from pathlib import Path

import pytest

from maestro_cli._invocation import invocation


def test_the_hint_names_the_command_as_this_shell_finds_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """On the PATH it is "maestro"; off it, its path from here."""
    command = tmp_path / "venv" / "bin" / "maestro"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(command)])
    monkeypatch.setenv("PATH", "/nowhere")
    assert invocation() == "venv/bin/maestro"
    monkeypatch.setenv("PATH", str(command.parent))
    assert invocation() == "maestro"
