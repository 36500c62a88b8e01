"""The events that are owed."""

from alembic import op

from maestro_core_db import create_outbox, drop_outbox

revision = "0010"
down_revision = "0002"


def upgrade() -> None:
    """Make the outbox."""
    create_outbox(op.get_bind())


def downgrade() -> None:
    """Remove the outbox, and what it owes."""
    drop_outbox(op.get_bind())
