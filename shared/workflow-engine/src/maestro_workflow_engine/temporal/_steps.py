"""Finding a step's function in whichever worker is to run it."""

from __future__ import annotations

import importlib
import threading
from typing import Any

from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine.temporal._wire import Call


class Steps:
    """The steps that this worker has met. Workflows ask on their threads, step hosts on the event loop.

    A step is found by module and name, as pickle finds functions; one that is defined inside a function is known to the
    workers only that have run its workflow.
    """

    def __init__(self) -> None:
        self._met: dict[str, StepDefinition[..., Any]] = {}
        self._lock = threading.Lock()

    def reference(self, step: StepDefinition[..., Any], trace: str | None) -> Call:
        """Return what another worker finds the step by."""
        with self._lock:
            self._met[step.name] = step
        module, name = step.func.__module__, step.func.__qualname__
        return Call("" if "<locals>" in name else module, name, trace)

    def find(self, name: str, call: Call) -> StepDefinition[..., Any] | None:
        """Return a step; None when this worker cannot find it."""
        if call.module:
            try:
                found: Any = importlib.import_module(call.module)
                for part in call.name.split("."):
                    found = getattr(found, part)
            except (ImportError, AttributeError):
                found = None
            if isinstance(found, StepDefinition) and found.name == name:
                return found
        with self._lock:
            return self._met.get(name)
