import importlib.util
import sys
from pathlib import Path

import pytest

# Tests are collected by path; this makes the driver importable from them under one name.
_spec = importlib.util.spec_from_file_location("pattern_driving", Path(__file__).with_name("driving.py"))
assert _spec is not None
assert _spec.loader is not None
if _spec.name not in sys.modules:
    _module = importlib.util.module_from_spec(_spec)
    sys.modules[_spec.name] = _module
    _spec.loader.exec_module(_module)


@pytest.fixture(
    params=[
        "one life",
        "restarts",
        pytest.param("temporal", marks=pytest.mark.slow),
    ]
)
async def case(request: pytest.FixtureRequest, tmp_path: Path):
    """One run, driven from outside: in one life of the engine, with a restart before whatever the test does, on a cluster."""
    driving = sys.modules["pattern_driving"]
    if request.param == "temporal":
        made = driving.CaseOnCluster(await request.getfixturevalue("shared_namespace")())
    else:
        made = driving.Case(tmp_path / "journal.db", restarts=request.param == "restarts")
    async with made as driver:
        yield driver
