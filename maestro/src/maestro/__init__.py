"""The MAESTRO orchestrator: workflows, runs and personas over HTTP."""
