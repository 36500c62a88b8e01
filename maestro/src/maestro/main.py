"""The ASGI application."""

from maestro.core.orchestrator import MaestroOrchestrator

app = MaestroOrchestrator().api
