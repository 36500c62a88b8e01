"""Serve the conformance features' stand-ins; see `running.py`."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent


def load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    features = load("dsl_features", HERE.parent / "test_conformance_features.py")
    load("dsl_running", HERE / "running.py").serve(features.answer)
