import importlib.util
import sys
from pathlib import Path

# Tests are collected by path; this makes the modules beside them importable under one name.
for _name in ("golden_events", "golden_workflows", "golden_writing"):
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
        assert _spec is not None
        assert _spec.loader is not None
        _module = importlib.util.module_from_spec(_spec)
        sys.modules[_name] = _module
        _spec.loader.exec_module(_module)
