"""The ASGI application."""

from orchestration_gateway.bootstrap import create_app

app = create_app()
