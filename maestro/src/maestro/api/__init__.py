"""HTTP in and out, one module for each resource."""

from maestro.api import personas, runs, workflows

ROUTERS = (workflows.router, runs.router, personas.router)
"""Every router of the service."""

__all__ = ["ROUTERS"]
