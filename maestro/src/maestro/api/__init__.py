"""HTTP in and out, one module for each resource."""

from maestro.api import (
    events,
    personas,
    queues,
    run_listing,
    run_removal,
    run_starting,
    run_updates,
    runs,
    schedules,
    workflows,
)

ROUTERS = (
    run_starting.router,
    run_removal.router,
    run_listing.router,
    runs.router,
    workflows.router,
    run_updates.router,
    schedules.router,
    queues.router,
    events.router,
    personas.router,
)
"""Every router of the service, the busiest first: a request is compared with one route after another."""

__all__ = ["ROUTERS"]
