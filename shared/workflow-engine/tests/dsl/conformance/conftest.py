"""A process that runs documents in processes of its own, to be killed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent

# Tests are collected by path; this makes what they share importable from them, each under one name.
for _name, _path in {
    "dsl_features": HERE.parent / "test_conformance_features.py",
    "dsl_running": HERE / "running.py",
}.items():
    _spec = importlib.util.spec_from_file_location(_name, _path)
    assert _spec is not None
    assert _spec.loader is not None
    if _name not in sys.modules:
        _module = importlib.util.module_from_spec(_spec)
        sys.modules[_name] = _module
        _spec.loader.exec_module(_module)

Ask = Callable[..., dict[str, Any] | None]


@pytest.fixture(scope="session")
def mortal() -> Iterator[Ask]:
    """Run a document in a process that dies at its n-th hit of a crash point; gives what came of it, None when it died."""
    command = [sys.executable, str(HERE / "__main__.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def ask(folder: Path, definition: str, payload: Any, point: str, hits: int) -> dict[str, Any] | None:
            outcome = folder / "outcome.json"
            request = {"definition": definition, "payload": payload, "folder": str(folder)}
            stdin.write(json.dumps({**request, "outcome": str(outcome), "point": point, "hits": hits}) + "\n")
            stdin.flush()
            code = int(stdout.readline())
            if code == -9:
                return None
            assert code == 0, outcome.with_suffix(".log").read_text(encoding="utf-8")
            found: dict[str, Any] = json.loads(outcome.read_text(encoding="utf-8"))
            return found

        yield ask
        stdin.close()
        process.wait(timeout=20)
