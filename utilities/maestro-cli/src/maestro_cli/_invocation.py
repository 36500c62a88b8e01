"""How the person at this terminal calls the command."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def invocation() -> str:
    """Return what to type: "maestro" when the shell finds this very command, else its path as seen from here."""
    called = Path(sys.argv[0])
    found = shutil.which("maestro")
    if called.name != "maestro" or (found is not None and Path(found).resolve() == called.resolve()):
        return "maestro"
    return os.path.relpath(called)
