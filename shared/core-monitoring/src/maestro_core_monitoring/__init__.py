"""Metrics, traces and health checks for MAESTRO services."""
