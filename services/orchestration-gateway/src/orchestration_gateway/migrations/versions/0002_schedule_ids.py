"""Schedules are known by their id in the orchestrator, which has the trigger's tenant in it."""

import hashlib
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from maestro_core_db import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give tenants' schedules their new ids; those of the old ones are to be taken away in the orchestrator."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT trigger_name, wanted_json FROM schedules")).all()
    tenants = {row.name: row.tenant for row in connection.execute(sa.text("SELECT name, tenant FROM triggers"))}
    op.drop_table("schedules")
    made = _table("schedule_id", 150)
    for row in rows:
        former, tenant = f"trigger.{row.trigger_name}", tenants.get(row.trigger_name)
        wanted = {former: row.wanted_json if tenant is None else None}
        if tenant is not None and row.wanted_json is not None:
            digest = hashlib.sha256(tenant.encode(errors="surrogatepass")).hexdigest()[:32]
            wanted[f"{former}.{digest}"] = row.wanted_json
        for id_, json_ in wanted.items():
            new = {"schedule_id": id_, "wanted_json": json_, "changed_at": datetime.now(UTC), "attempts": 0}
            connection.execute(made.insert().values(new))


def downgrade() -> None:
    """Know schedules by their trigger again; what the orchestrator has is made anew as triggers are declared."""
    op.drop_table("schedules")
    _table("trigger_name", 63)


def _table(key: str, length: int) -> sa.Table:
    return op.create_table(
        "schedules",
        sa.Column(key, sa.String(length=length), nullable=False),
        sa.Column("wanted_json", sa.Text(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint(key, name=op.f("pk_schedules")),
    )
