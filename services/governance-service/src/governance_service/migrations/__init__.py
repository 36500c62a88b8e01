"""The service's migrations: one line of revisions in `versions`, whichever subject they are for."""

import governance_service.approvals.tables
import governance_service.audit.tables
import governance_service.identity.tables
import governance_service.policies.tables
import governance_service.scorecards.tables  # noqa: F401 - all of them so that their tables are in the metadata
from governance_service.tables import GovernanceBase
from maestro_core_db import outbox_table

metadata = GovernanceBase.metadata
outbox_table(metadata)
"""What the models say the tables are."""

__all__ = ["metadata"]
