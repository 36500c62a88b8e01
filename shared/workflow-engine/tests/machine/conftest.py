import importlib.util
import sys
from pathlib import Path

import pytest

# Tests are collected by path; this makes what they share importable from them, each under one name.
for _file in ("driving", "beside_cpython", "random_programs", "random_histories"):
    _name = f"engine_{_file}"
    _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_file}.py"))
    assert _spec is not None
    assert _spec.loader is not None
    if _name not in sys.modules:
        _module = importlib.util.module_from_spec(_spec)
        sys.modules[_name] = _module
        _spec.loader.exec_module(_module)


@pytest.fixture(autouse=True)
def _drop_machines():
    yield
    machines = sys.modules["engine_driving"].MACHINES
    for machine in machines:
        machine.drop()
    machines.clear()
