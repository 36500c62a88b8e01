"""The ASGI application."""

from intelligence_service.bootstrap import create_app

app = create_app()
