"""A MAESTRO service beside bare FastAPI, and beside FastAPI with the usual instrumentation."""
