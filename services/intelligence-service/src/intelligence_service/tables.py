"""The service's tables."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from maestro_core_db import Base, Versioned, new_metadata

TENANT = 256
"""Longest name of a tenant, as tokens allow it. Callers without one are the tenant with the empty name."""


class IntelligenceBase(Base):
    """Base of this service's tables."""

    __abstract__ = True
    metadata = new_metadata()


class UsageRow(IntelligenceBase):
    """What a tenant has used of models in one window."""

    __tablename__ = "model_usage"

    tenant: Mapped[str] = mapped_column(String(TENANT), primary_key=True)
    window: Mapped[str] = mapped_column(String(8), primary_key=True)
    """`hour`, `day` or `month`."""
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)
    input_tokens: Mapped[int] = mapped_column(BigInteger)
    output_tokens: Mapped[int] = mapped_column(BigInteger)
    cost_micros: Mapped[int] = mapped_column(BigInteger)
    """Millionths of a unit of the currency."""


class ExampleRow(Versioned, IntelligenceBase):
    """One question and the answer that a tenant taught."""

    __tablename__ = "learned_examples"
    __table_args__ = (
        Index("uq_learned_examples_question", "tenant", "persona", "question_hash", unique=True),
        Index("ix_learned_examples_revision", "tenant", "persona", "revision"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(TENANT))
    persona: Mapped[str] = mapped_column(String(200))
    question_hash: Mapped[str] = mapped_column(String(64))
    question: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    """The answer as canonical JSON."""
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    """What the encoder made of the question."""
    encoder: Mapped[str] = mapped_column(String(100))
    """Which encoder made it; another one's vectors say nothing here."""
    taught_by: Mapped[str] = mapped_column(String(256))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(BigInteger)
    """Of the persona's learnt state, when this was written last."""


class LearnedRow(IntelligenceBase):
    """How far a persona's learnt state has come."""

    __tablename__ = "learned_states"

    tenant: Mapped[str] = mapped_column(String(TENANT), primary_key=True)
    persona: Mapped[str] = mapped_column(String(200), primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    """Counts changes."""
    removals: Mapped[int] = mapped_column(BigInteger)
    """Counts changes that took something away: whoever holds the state in memory must then read it anew."""
    examples: Mapped[int] = mapped_column(BigInteger)
