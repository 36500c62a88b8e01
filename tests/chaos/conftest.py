"""Makes the load and the harness importable: tests are collected by path, and the processes they kill import the same modules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LIB = str(Path(__file__).with_name("lib"))
if LIB not in sys.path:
    sys.path.insert(0, LIB)


@pytest.fixture(scope="module")
def nursery() -> Iterator[object]:
    """A process that has imported everything and forks the ones to be killed."""
    from fault_load.nursery_client import Nursery

    with Nursery() as started:
        yield started
