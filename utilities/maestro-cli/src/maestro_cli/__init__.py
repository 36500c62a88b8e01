"""The `maestro` command: the local environment, workflows, configuration."""
