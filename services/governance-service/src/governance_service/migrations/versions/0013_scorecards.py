"""Scorecards, and what people vouch for."""

import sqlalchemy as sa
from alembic import op

from maestro_core_db import AutoId, UtcDateTime

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "scorecards",
        sa.Column("id", AutoId, nullable=False),
        sa.Column("service", sa.String(63), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("results_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scorecards"),
    )
    op.create_index("ix_scorecards_service", "scorecards", ["service", "id"])
    op.create_table(
        "scorecard_attestations",
        sa.Column("service", sa.String(63), nullable=False),
        sa.Column("check", sa.String(32), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("url", sa.Text()),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("service", "check", name="pk_scorecard_attestations"),
    )


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("scorecard_attestations")
    op.drop_table("scorecards")
