"""A whole edge for tests, and load on it."""
