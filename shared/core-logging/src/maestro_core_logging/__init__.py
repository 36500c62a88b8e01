"""Structured, trace-correlated logging for MAESTRO services."""
