"""Usage of models, and what was learnt."""

import sqlalchemy as sa
from alembic import op

from maestro_core_db import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "model_usage",
        sa.Column("tenant", sa.String(256), nullable=False),
        sa.Column("window", sa.String(8), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "window", "starts_at", name="pk_model_usage"),
    )
    op.create_table(
        "learned_examples",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("tenant", sa.String(256), nullable=False),
        sa.Column("persona", sa.String(200), nullable=False),
        sa.Column("question_hash", sa.String(64), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("encoder", sa.String(100), nullable=False),
        sa.Column("taught_by", sa.String(256), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_learned_examples"),
    )
    op.create_index(
        "uq_learned_examples_question", "learned_examples", ["tenant", "persona", "question_hash"], unique=True
    )
    op.create_index("ix_learned_examples_revision", "learned_examples", ["tenant", "persona", "revision"])
    op.create_table(
        "learned_states",
        sa.Column("tenant", sa.String(256), nullable=False),
        sa.Column("persona", sa.String(200), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("removals", sa.BigInteger(), nullable=False),
        sa.Column("examples", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "persona", name="pk_learned_states"),
    )


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("learned_states")
    op.drop_table("learned_examples")
    op.drop_table("model_usage")
