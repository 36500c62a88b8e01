"""The service's migrations (Alembic)."""

from orchestration_gateway.tables import METADATA

metadata = METADATA

__all__ = ["metadata"]
