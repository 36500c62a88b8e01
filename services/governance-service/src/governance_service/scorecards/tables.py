"""The tables of scorecards."""

from datetime import datetime

from sqlalchemy import Boolean, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from governance_service.tables import GovernanceBase
from maestro_core_db import AutoId


class ScorecardRow(GovernanceBase):
    """How a service stood at a moment."""

    __tablename__ = "scorecards"
    __table_args__ = (Index("ix_scorecards_service", "service", "id"),)

    id: Mapped[int] = mapped_column(AutoId, primary_key=True)
    service: Mapped[str] = mapped_column(String(63), nullable=False)
    taken_at: Mapped[datetime] = mapped_column(nullable=False)
    score: Mapped[int] = mapped_column(Integer, nullable=False)
    results_json: Mapped[str] = mapped_column(Text, nullable=False)


class AttestationRow(GovernanceBase):
    """What somebody vouches for."""

    __tablename__ = "scorecard_attestations"

    service: Mapped[str] = mapped_column(String(63), primary_key=True)
    check: Mapped[str] = mapped_column(String(32), primary_key=True)
    passed: Mapped[bool] = mapped_column(Boolean, nullable=False)
    evidence: Mapped[str] = mapped_column(Text, nullable=False)
    url: Mapped[str | None] = mapped_column(Text)
    by: Mapped[str] = mapped_column(Text, nullable=False)
    at: Mapped[datetime] = mapped_column(nullable=False)
    expires_at: Mapped[datetime] = mapped_column(nullable=False)
