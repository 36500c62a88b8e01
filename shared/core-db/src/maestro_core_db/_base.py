"""The declarative base of services' tables."""

from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.types import DateTime, TypeDecorator

NAMING: Final = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""How constraints and indexes are named, so that a migration can name them again, on either database."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC with microseconds; on SQLite as text that sorts in order of time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone, which would mean another moment on every machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone cannot be stored: use datetime.now(UTC)")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back, which SQLite does not keep."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


AutoId: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A primary key that the database counts: 64 bits on both."""


class Base(DeclarativeBase):
    """Base of a service's tables; a service subclasses it once, so that its tables are its own.

    Example:
        class OrdersBase(Base):
            metadata = new_metadata()
    """

    __abstract__ = True
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime()}


def new_metadata() -> MetaData:
    """Make metadata of one's own, with this package's names for constraints.

    Returns:
        Empty metadata.
    """
    return MetaData(naming_convention=NAMING)


class Versioned:
    """Adds optimistic locking to a table: a change to a record that somebody else has changed since it was read fails.

    Its column `version` counts changes from 1. `Database.transaction` raises `StaleRecordError` where the record is written.
    """

    version: Mapped[int] = mapped_column(Integer, nullable=False)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy calls it with the class
        return {"version_id_col": cls.version}
