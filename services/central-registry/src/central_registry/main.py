"""The ASGI application."""

from central_registry.bootstrap import create_app

app = create_app()
