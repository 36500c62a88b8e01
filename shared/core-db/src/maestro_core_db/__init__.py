"""Databases of services: SQLAlchemy 2 async, Alembic, SQLite and PostgreSQL."""
