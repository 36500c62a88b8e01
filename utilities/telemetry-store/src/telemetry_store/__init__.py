"""Traces, logs and metrics of a local environment."""
