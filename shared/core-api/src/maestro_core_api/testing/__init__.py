"""What tests of services stand on: a client in process, callers, a database, a clock, and what was logged and counted.

The same as pytest fixtures comes with the package, without an import: `pytest --fixtures` lists them.
"""

from ._case import APITestCase
from ._clock import FakeClock
from ._database import ScratchDatabase, TemporaryDatabase, scratch_database
from ._in_process import in_process_client, token_for
from ._running import running
from ._telemetry import Telemetry, recorded_telemetry

__all__ = [
    "APITestCase",
    "FakeClock",
    "ScratchDatabase",
    "Telemetry",
    "TemporaryDatabase",
    "in_process_client",
    "recorded_telemetry",
    "running",
    "scratch_database",
    "token_for",
]
