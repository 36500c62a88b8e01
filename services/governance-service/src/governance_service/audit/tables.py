"""The tables of the audit trail."""

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from governance_service.tables import GovernanceBase


class AuditChainRow(GovernanceBase):
    """Where the chain ends: one row, whose lock lets appends take turns."""

    __tablename__ = "audit_chain"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    log_id: Mapped[str] = mapped_column(String(64), nullable=False)
    position: Mapped[int] = mapped_column(BigInteger, nullable=False)
    hash: Mapped[str] = mapped_column(String(64), nullable=False)


class AuditEntryRow(GovernanceBase):
    """An entry. Triggers refuse every change to it."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        UniqueConstraint("service", "entry_id", name="uq_audit_entries_service_entry_id"),
        Index("ix_audit_entries_trace_id", "trace_id"),
        Index("ix_audit_entries_actor", "actor", "position"),
        Index("ix_audit_entries_action", "action", "position"),
        Index("ix_audit_entries_time_us", "time_us"),
    )

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[str] = mapped_column(String(128), nullable=False)
    time_us: Mapped[int] = mapped_column(BigInteger, nullable=False)
    occurred_us: Mapped[int] = mapped_column(BigInteger, nullable=False)
    service: Mapped[str] = mapped_column(Text, nullable=False)
    actor: Mapped[str] = mapped_column(Text, nullable=False)
    action: Mapped[str] = mapped_column(String(128), nullable=False)
    resource: Mapped[str] = mapped_column(Text, nullable=False)
    outcome: Mapped[str] = mapped_column(String(16), nullable=False)
    tenant: Mapped[str | None] = mapped_column(Text)
    trace_id: Mapped[str | None] = mapped_column(String(32))
    details_json: Mapped[str] = mapped_column(Text, nullable=False)
    previous_hash: Mapped[str] = mapped_column(String(64), nullable=False)
    hash: Mapped[str] = mapped_column(String(64), nullable=False)
