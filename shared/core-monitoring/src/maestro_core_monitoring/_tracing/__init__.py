"""Traces: set up once, handed on from service to service, sent in batches."""
