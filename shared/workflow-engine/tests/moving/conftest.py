"""Journals to move away from, and the real development server to move to."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maestro_workflow_engine import ClusterUnreachableError, WorkflowEngine

_HERE = Path(__file__).parent

# Tests are collected by path; workers find steps by the name of their module.
for _name in ("moving_workflows", "moving_site"):
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, _HERE / f"{_name}.py")
        assert _spec is not None
        assert _spec.loader is not None
        _module = importlib.util.module_from_spec(_spec)
        sys.modules[_name] = _module
        _spec.loader.exec_module(_module)


@pytest.fixture
async def cluster(temporal_namespaces: Iterator[str]) -> str:
    """The URL of a namespace that no other test uses."""
    url = next(temporal_namespaces)
    while True:  # a new namespace is known to the server's parts one after the other
        try:
            async with WorkflowEngine(url, workflows=[]):
                return url
        except ClusterUnreachableError:
            await asyncio.sleep(0.1)


@pytest.fixture(params=["journal", "temporal"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an engine that has nothing yet: another journal, or a cluster."""
    if request.param == "journal":
        return f"sqlite:///{tmp_path / 'other.db'}"
    url: str = request.getfixturevalue("cluster")
    return url


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A file to which each step that runs appends a line, and that nothing else writes."""
    path = tmp_path / "record"
    path.touch()
    return path
