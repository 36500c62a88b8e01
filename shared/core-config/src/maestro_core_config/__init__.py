"""Typed, layered configuration for MAESTRO services."""
