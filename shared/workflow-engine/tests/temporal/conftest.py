"""Tests on the real development server; one worker of the test run has it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

_HERE = Path(__file__).parent

# Tests are collected by path; this makes the gates importable from them under one name.
_spec = importlib.util.spec_from_file_location("temporal_gates", _HERE / "gates.py")
assert _spec is not None
assert _spec.loader is not None
if _spec.name not in sys.modules:
    _module = importlib.util.module_from_spec(_spec)
    sys.modules[_spec.name] = _module
    _spec.loader.exec_module(_module)


@pytest.fixture
async def cluster(empty_namespace: Callable[[], Awaitable[str]]) -> str:
    """The URL of a namespace that no other test uses."""
    return await empty_namespace()
