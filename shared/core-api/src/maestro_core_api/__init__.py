"""The MAESTRO service framework on FastAPI: errors, auth, telemetry, discovery, client, testing."""
