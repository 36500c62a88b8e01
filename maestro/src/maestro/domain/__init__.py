"""What the orchestrator knows and decides: no I/O of its own, no web framework."""
