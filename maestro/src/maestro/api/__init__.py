"""HTTP in and out, one module for each resource."""

from maestro.api import personas, run_updates, runs, schedules, workflows

ROUTERS = (workflows.router, runs.router, run_updates.router, schedules.router, personas.router)
"""Every router of the service."""

__all__ = ["ROUTERS"]
