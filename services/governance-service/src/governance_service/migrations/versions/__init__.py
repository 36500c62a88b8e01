"""Revisions, each following the one before it."""
