"""Opens the scorecards: their storage, and the one who looks at services."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import httpx2

from governance_service.clock import Clock
from governance_service.scorecards.api import Scorecards
from governance_service.scorecards.assessor import Assessor
from governance_service.scorecards.config import ScorecardSettings
from governance_service.scorecards.observer import Observer
from governance_service.scorecards.storage import DatabaseScorecards
from governance_service.telling import Teller
from maestro_core_api import APIClient, ClientConfig, MaestroAPI, trusted_certificates
from maestro_core_db import Database


@asynccontextmanager
async def open_scorecards(
    config: ScorecardSettings, db: Database, teller: Teller, clock: Clock, app: MaestroAPI
) -> AsyncIterator[Scorecards]:
    """Open the scorecards while a block runs.

    Args:
        config: Their settings.
        db: The database, migrated.
        teller: Tells what is vouched for.
        clock: Gives the present.
        app: The application, for metrics.

    Yields:
        The scorecards; services are looked at now and then meanwhile.
    """
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(
            APIClient.for_service(config, retries=1, config=ClientConfig(deadline="own", circuit=None))
        )
        # Redirects are not followed: they would lead to addresses that nobody registered.
        http = httpx2.AsyncClient(
            timeout=config.scorecard_timeout_s, verify=trusted_certificates(), follow_redirects=False, trust_env=False
        )
        observer = Observer(
            registry,
            await stack.enter_async_context(http),
            secret=config.jwt_secret,
            reads_ops=config.reads_ops,
            subject=config.service_name,
            clock=clock,
        )
        store = DatabaseScorecards(db, teller, kept=config.scorecard_kept)
        assessor = Assessor(observer, store, metrics=app.metrics)
        await stack.enter_async_context(assessor.at_work(timedelta(seconds=config.scorecard_interval_s)))
        yield Scorecards(assessor, store, clock)
