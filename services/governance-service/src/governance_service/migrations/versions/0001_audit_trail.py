"""The audit trail: one chain of entries that nothing may change."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_POSTGRES = (
    """
    CREATE FUNCTION audit_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
    END $$
    """,
    """
    CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_entries_refuse()
    """,
    """
    CREATE TRIGGER audit_entries_not_emptied BEFORE TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse()
    """,
)
_SQLITE = (
    """
    CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
    """,
    """
    CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
    """,
    # INSERT OR REPLACE deletes without asking the trigger above.
    """
    CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries
    WHEN EXISTS (
        SELECT 1 FROM audit_entries
        WHERE position >= NEW.position OR (service = NEW.service AND entry_id = NEW.entry_id)
    )
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
    """,
)


def upgrade() -> None:
    """Make the tables and the triggers that keep them as they are."""
    op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("log_id", sa.String(64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_chain"),
        sa.CheckConstraint("id = 1", name="ck_audit_chain_one_row"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.String(128), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("occurred_us", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(128), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("tenant", sa.Text()),
        sa.Column("trace_id", sa.String(32)),
        sa.Column("details_json", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_audit_entries"),
        sa.UniqueConstraint("service", "entry_id", name="uq_audit_entries_service_entry_id"),
    )
    op.create_index("ix_audit_entries_trace_id", "audit_entries", ["trace_id"])
    op.create_index("ix_audit_entries_actor", "audit_entries", ["actor", "position"])
    op.create_index("ix_audit_entries_action", "audit_entries", ["action", "position"])
    op.create_index("ix_audit_entries_time_us", "audit_entries", ["time_us"])
    for statement in _POSTGRES if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Remove the trail, as far as it can be done: a trail that has entries is exported first, and removed by hand."""
    entries = op.get_bind().execute(sa.text("SELECT count(*) FROM audit_entries")).scalar_one()
    if entries:
        raise RuntimeError(f"the audit trail has {entries} entries, and a migration does not delete them")
    op.drop_table("audit_entries")
    op.drop_table("audit_chain")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_entries_refuse()")
