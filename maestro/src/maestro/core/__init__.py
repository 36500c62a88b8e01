"""The orchestrator as an object."""
