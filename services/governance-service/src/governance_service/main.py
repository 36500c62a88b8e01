"""The ASGI application."""

from governance_service.bootstrap import create_app

app = create_app()
