"""The MAESTRO orchestrator: workflows, runs and personas over HTTP.

`maestro.core.orchestrator.MaestroOrchestrator` is the service as an object; `python -m maestro` serves it.
"""
