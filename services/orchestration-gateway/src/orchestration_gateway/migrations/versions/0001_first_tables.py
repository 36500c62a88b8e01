"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

from maestro_core_db import AutoId, UtcDateTime, create_outbox, drop_outbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    create_outbox(op.get_bind())
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("trigger_name", sa.String(length=63), nullable=False),
        sa.Column("tenant", sa.String(length=256), nullable=True),
        sa.Column("delivery_key", sa.String(length=400), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("message_json", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("waiting_since", UtcDateTime(), nullable=False),
        sa.Column("workflow", sa.String(length=400), nullable=True),
        sa.Column("run_id", sa.String(length=200), nullable=True),
        sa.Column("input_json", sa.Text(), nullable=True),
        sa.Column("options_json", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("error_code", sa.String(length=100), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("traceparent", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index("ix_deliveries_due", "deliveries", ["status", "next_attempt_at"], unique=False)
    op.create_index("ix_deliveries_listing", "deliveries", ["received_at", "id"], unique=False)
    op.create_index("ix_deliveries_of_trigger", "deliveries", ["trigger_name", "received_at"], unique=False)
    op.create_table(
        "feed_state",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("created_from", UtcDateTime(), nullable=False),
        sa.Column("finished_from", UtcDateTime(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.Column("held_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_feed_state")),
    )
    op.create_table(
        "run_changes",
        sa.Column("position", AutoId, autoincrement=True, nullable=False),
        sa.Column("change_key", sa.String(length=300), nullable=False),
        sa.Column("tenant", sa.String(length=256), nullable=True),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.Column("data_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_run_changes")),
        sa.UniqueConstraint("change_key", name=op.f("uq_run_changes_change_key")),
    )
    op.create_index(op.f("ix_run_changes_noted_at"), "run_changes", ["noted_at"], unique=False)
    op.create_table(
        "schedules",
        sa.Column("trigger_name", sa.String(length=63), nullable=False),
        sa.Column("wanted_json", sa.Text(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("trigger_name", name=op.f("pk_schedules")),
    )
    op.create_table(
        "stream_places",
        sa.Column("tenant", sa.String(length=256), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("held_until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "place", name=op.f("pk_stream_places")),
    )
    op.create_table(
        "triggers",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("tenant", sa.String(length=256), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("declaration_json", sa.Text(), nullable=False),
        sa.Column("sealed_keys", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_triggers")),
    )
    op.create_index(op.f("ix_triggers_kind"), "triggers", ["kind"], unique=False)


def downgrade() -> None:
    """Take them away, with all that they hold."""
    drop_outbox(op.get_bind())
    op.drop_index(op.f("ix_triggers_kind"), table_name="triggers")
    op.drop_table("triggers")
    op.drop_table("stream_places")
    op.drop_table("schedules")
    op.drop_index(op.f("ix_run_changes_noted_at"), table_name="run_changes")
    op.drop_table("run_changes")
    op.drop_table("feed_state")
    op.drop_index("ix_deliveries_of_trigger", table_name="deliveries")
    op.drop_index("ix_deliveries_listing", table_name="deliveries")
    op.drop_index("ix_deliveries_due", table_name="deliveries")
    op.drop_table("deliveries")
