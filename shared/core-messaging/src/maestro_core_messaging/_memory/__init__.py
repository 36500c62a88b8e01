"""Events within one process."""
