"""The tables of policies."""

from datetime import datetime

from sqlalchemy import Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from governance_service.tables import GovernanceBase
from maestro_core_db import AutoId


class PolicyVersionRow(GovernanceBase):
    """A version of a policy; never changed."""

    __tablename__ = "policy_versions"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    source_json: Mapped[str] = mapped_column(Text, nullable=False)
    created_at: Mapped[datetime] = mapped_column(nullable=False)
    created_by: Mapped[str] = mapped_column(Text, nullable=False)


class PolicyDecisionRow(GovernanceBase):
    """A decision of the log."""

    __tablename__ = "policy_decisions"
    __table_args__ = (
        UniqueConstraint("decision_id"),
        Index("ix_policy_decisions_policy", "policy", "position"),
        Index("ix_policy_decisions_tenant", "tenant", "position"),
    )

    position: Mapped[int] = mapped_column(AutoId, primary_key=True)
    decision_id: Mapped[str] = mapped_column(String(36), nullable=False)
    tenant: Mapped[str | None] = mapped_column(Text)
    policy: Mapped[str] = mapped_column(String(64), nullable=False)
    version: Mapped[int] = mapped_column(Integer, nullable=False)
    question_json: Mapped[str] = mapped_column(Text, nullable=False)
    outcome: Mapped[str] = mapped_column(String(16), nullable=False)
    reasons_json: Mapped[str] = mapped_column(Text, nullable=False)
    asked_by: Mapped[str] = mapped_column(Text, nullable=False)
    decided_at: Mapped[datetime] = mapped_column(nullable=False)
    trace_id: Mapped[str | None] = mapped_column(String(32))
