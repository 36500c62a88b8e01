"""What the tables of all subjects share."""

from maestro_core_db import Base, new_metadata


class GovernanceBase(Base):
    """Base of the service's tables, of every subject's."""

    __abstract__ = True
    metadata = new_metadata()
