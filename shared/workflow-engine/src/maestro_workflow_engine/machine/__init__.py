"""The deterministic core: journalled events in, commands out. No I/O, no clock, no threads."""

from maestro_workflow_engine.machine import _asyncio_order
from maestro_workflow_engine.machine._machine import WorkflowMachine

__all__ = ["WorkflowMachine"]

_asyncio_order.install()
