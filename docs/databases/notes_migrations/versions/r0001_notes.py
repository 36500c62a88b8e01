"""Keep notes, and the events that tell of them."""

import sqlalchemy as sa
from alembic import op

from maestro_core_db import AutoId, UtcDateTime, create_outbox, drop_outbox

revision = "r0001"
down_revision = None


# region: migration
def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "notes",
        sa.Column("id", AutoId, primary_key=True),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("written_at", UtcDateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    create_outbox(op.get_bind())
    # endregion: migration


def downgrade() -> None:
    """Drop the tables."""
    drop_outbox(op.get_bind())
    op.drop_table("notes")
