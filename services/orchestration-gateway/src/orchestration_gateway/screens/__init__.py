"""Answers for screens, put together from several services."""
