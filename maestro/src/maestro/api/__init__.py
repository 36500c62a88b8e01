"""HTTP in and out, one module for each resource."""

from maestro.api import personas, runs, workflows

ROUTERS = (runs.router, workflows.router, personas.router)
"""Every router of the service, the busiest first: a request is compared with one route after another."""

__all__ = ["ROUTERS"]
