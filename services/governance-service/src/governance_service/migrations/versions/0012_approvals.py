"""Approvals, who may decide them, and the outcomes that runs wait for."""

import sqlalchemy as sa
from alembic import op

from maestro_core_db import UtcDateTime

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "approvals",
        sa.Column("tenant", sa.String(256), nullable=False),
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("run_id", sa.String(256)),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_approvals"),
    )
    op.create_index("ix_approvals_created_at", "approvals", ["tenant", "created_at", "id"])
    op.create_index("ix_approvals_due_at", "approvals", ["status", "due_at"])
    op.create_index("ix_approvals_run_id", "approvals", ["run_id"])
    op.create_table(
        "approval_seats",
        sa.Column("tenant", sa.String(256), nullable=False),
        sa.Column("approval_id", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "approval_id", "kind", "name", name="pk_approval_seats"),
        sa.ForeignKeyConstraint(
            ["tenant", "approval_id"],
            ["approvals.tenant", "approvals.id"],
            name="fk_approval_seats_tenant_approval_id_approvals",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_approval_seats_name", "approval_seats", ["kind", "name"])
    op.create_table(
        "approval_signals",
        sa.Column("tenant", sa.String(256), nullable=False),
        sa.Column("approval_id", sa.String(200), nullable=False),
        sa.Column("run_id", sa.String(256), nullable=False),
        sa.Column("signal", sa.String(256), nullable=False),
        sa.Column("payload_json", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("delivered_at", UtcDateTime()),
        sa.Column("problem", sa.Text()),
        sa.PrimaryKeyConstraint("tenant", "approval_id", name="pk_approval_signals"),
        sa.ForeignKeyConstraint(
            ["tenant", "approval_id"],
            ["approvals.tenant", "approvals.id"],
            name="fk_approval_signals_tenant_approval_id_approvals",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_approval_signals_next_at", "approval_signals", ["state", "next_at"])


def downgrade() -> None:
    """Remove the tables, with every approval."""
    op.drop_table("approval_signals")
    op.drop_table("approval_seats")
    op.drop_table("approvals")
