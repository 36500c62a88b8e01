"""The service's migrations: one line of revisions in `versions`, whichever subject they are for."""

import governance_service.audit.tables
import governance_service.identity.tables  # noqa: F401 - as above
from governance_service.tables import GovernanceBase

metadata = GovernanceBase.metadata
"""What the models say the tables are."""

__all__ = ["metadata"]
