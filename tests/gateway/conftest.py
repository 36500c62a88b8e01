"""Makes the kit importable: tests are collected by path."""

import sys
from pathlib import Path

LIB = str(Path(__file__).with_name("lib"))
if LIB not in sys.path:
    sys.path.insert(0, LIB)
