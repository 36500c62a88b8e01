"""The tables of approvals."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from governance_service.tables import GovernanceBase


class ApprovalRow(GovernanceBase):
    """An approval: a document, and in columns what is looked for."""

    __tablename__ = "approvals"
    __table_args__ = (
        Index("ix_approvals_created_at", "tenant", "created_at", "id"),
        Index("ix_approvals_due_at", "status", "due_at"),
        Index("ix_approvals_run_id", "run_id"),
    )

    tenant: Mapped[str] = mapped_column(String(256), primary_key=True)
    """Empty for the platform's own: a key has no holes."""
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    status: Mapped[str] = mapped_column(String(16), nullable=False)
    run_id: Mapped[str | None] = mapped_column(String(256))
    created_at: Mapped[datetime] = mapped_column(nullable=False)
    due_at: Mapped[datetime | None] = mapped_column()
    version: Mapped[int] = mapped_column(Integer, nullable=False)
    document_json: Mapped[str] = mapped_column(Text, nullable=False)


class ApprovalSeatRow(GovernanceBase):
    """Who may decide an open approval: users and roles, and those who are barred although they would be among them."""

    __tablename__ = "approval_seats"
    __table_args__ = (
        ForeignKeyConstraint(["tenant", "approval_id"], ["approvals.tenant", "approvals.id"], ondelete="CASCADE"),
        Index("ix_approval_seats_name", "kind", "name"),
    )

    tenant: Mapped[str] = mapped_column(String(256), primary_key=True)
    approval_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    """`user`, `role` or `barred`."""
    name: Mapped[str] = mapped_column(String(256), primary_key=True)


class ApprovalSignalRow(GovernanceBase):
    """An outcome on its way to the run that waits for it."""

    __tablename__ = "approval_signals"
    __table_args__ = (
        ForeignKeyConstraint(["tenant", "approval_id"], ["approvals.tenant", "approvals.id"], ondelete="CASCADE"),
        Index("ix_approval_signals_next_at", "state", "next_at"),
    )

    tenant: Mapped[str] = mapped_column(String(256), primary_key=True)
    approval_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(256), nullable=False)
    signal: Mapped[str] = mapped_column(String(256), nullable=False)
    payload_json: Mapped[str] = mapped_column(Text, nullable=False)
    state: Mapped[str] = mapped_column(String(16), nullable=False)
    """`pending`, `delivered` or `undeliverable`."""
    attempts: Mapped[int] = mapped_column(Integer, nullable=False)
    next_at: Mapped[datetime] = mapped_column(nullable=False)
    """When it is tried next; while somebody is at it, when that one is taken for dead."""
    delivered_at: Mapped[datetime | None] = mapped_column()
    problem: Mapped[str | None] = mapped_column(Text)
    """Why the last attempt failed."""
