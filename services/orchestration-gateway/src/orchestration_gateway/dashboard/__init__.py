"""The dashboard: static files of a single-page application."""
