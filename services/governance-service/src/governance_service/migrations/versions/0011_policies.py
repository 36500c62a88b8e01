"""Policies, and the log of their decisions."""

import sqlalchemy as sa
from alembic import op

from maestro_core_db import AutoId, UtcDateTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "policy_versions",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source_json", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_policy_versions"),
    )
    op.create_table(
        "policy_decisions",
        sa.Column("position", AutoId, nullable=False),
        sa.Column("decision_id", sa.String(36), nullable=False),
        sa.Column("tenant", sa.Text()),
        sa.Column("policy", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("question_json", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reasons_json", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("trace_id", sa.String(32)),
        sa.PrimaryKeyConstraint("position", name="pk_policy_decisions"),
        sa.UniqueConstraint("decision_id", name="uq_policy_decisions_decision_id"),
    )
    op.create_index("ix_policy_decisions_policy", "policy_decisions", ["policy", "position"])
    op.create_index("ix_policy_decisions_tenant", "policy_decisions", ["tenant", "position"])


def downgrade() -> None:
    """Remove the tables, with every policy."""
    op.drop_table("policy_decisions")
    op.drop_table("policy_versions")
