"""The ASGI application."""

from telemetry_store.bootstrap import create_app

app = create_app()
