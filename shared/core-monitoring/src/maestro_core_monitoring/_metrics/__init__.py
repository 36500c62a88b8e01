"""Metrics: what is declared, what counts, and how it is shown."""
