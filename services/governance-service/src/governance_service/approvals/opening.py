"""Opens the approvals: their storage, and what they do by themselves."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from governance_service.approvals.api import Approvals
from governance_service.approvals.config import ApprovalSettings
from governance_service.approvals.domain import Inbox
from governance_service.approvals.housekeeping import Housekeeper
from governance_service.approvals.orchestrator import Orchestrator, RemoteOrchestrator
from governance_service.approvals.signals import SignalQueue
from governance_service.approvals.storage import DatabaseApprovals
from governance_service.clock import Clock
from governance_service.telling import Teller
from maestro_core_api import APIClient, ClientConfig, MaestroAPI
from maestro_core_db import Database


@asynccontextmanager
async def open_approvals(
    config: ApprovalSettings,
    db: Database,
    teller: Teller,
    clock: Clock,
    app: MaestroAPI,
    *,
    orchestrator: Orchestrator | None = None,
) -> AsyncIterator[Approvals]:
    """Open the approvals while a block runs.

    Args:
        config: Their settings.
        db: The database, migrated.
        teller: Tells what happens to approvals.
        clock: Gives the present.
        app: The application, for metrics.
        orchestrator: Where the runs are; None finds it through the registry.

    Yields:
        The approvals; time runs out and outcomes are delivered meanwhile.
    """
    async with AsyncExitStack() as stack:
        if orchestrator is None:
            # What failed may have arrived: only the relay knows how to try again.
            client = APIClient.for_service(
                config, retries=0, timeout=timedelta(seconds=10), config=ClientConfig(deadline="own", circuit=None)
            )
            orchestrator = RemoteOrchestrator(await stack.enter_async_context(client))
        inbox = Inbox(
            DatabaseApprovals(db, teller), clock=clock, claim_lasts=timedelta(seconds=config.approval_claim_s)
        )
        queue = SignalQueue(db)
        housekeeper = Housekeeper(
            inbox,
            queue,
            orchestrator,
            clock=clock,
            interval=timedelta(seconds=config.approval_interval_s),
            metrics=app.metrics,
        )
        await stack.enter_async_context(housekeeper.at_work())
        yield Approvals(inbox, queue, housekeeper, clock)
