"""Tests on the real development server; one worker of the test run has it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from maestro_workflow_engine import ClusterUnreachableError, WorkflowEngine

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that need the server together."""
    for item in items:
        if item.path.parent == _HERE and "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("temporal"))


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
