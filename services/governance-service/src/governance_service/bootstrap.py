"""The only place where the parts are put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, TypedDict

from governance_service.approvals.api import Approvals
from governance_service.approvals.api import router as approvals_router
from governance_service.approvals.opening import open_approvals
from governance_service.audit.api import router as audit_router
from governance_service.audit.opening import Audit, open_audit
from governance_service.clock import Clock, system_clock
from governance_service.config import GovernanceServiceConfig
from governance_service.domain import GovernanceError
from governance_service.policies.api import Policies
from governance_service.policies.api import router as policies_router
from governance_service.policies.opening import open_policies
from governance_service.publishing import publishing
from governance_service.scorecards.api import Scorecards
from governance_service.scorecards.api import router as scorecards_router
from governance_service.scorecards.opening import open_scorecards
from governance_service.telling import AuditAndEvents
from maestro_core_api import APIConfig, MaestroAPI, configure_service_logging
from maestro_core_config import ConfigManager
from maestro_core_db import Database, DatabaseError, Migrations, Outbox

_TITLE: Final = "Governance Service API"
_VERSION: Final = "1.0.0"
_ROUTERS: Final = (audit_router, policies_router, approvals_router, scorecards_router)


class State(TypedDict):
    """What requests find in `request.state`: one facade for each subject."""

    audit: Audit
    policies: Policies
    approvals: Approvals
    scorecards: Scorecards


def create_app(config: GovernanceServiceConfig | None = None, *, clock: Clock = system_clock) -> MaestroAPI:
    """Build the service.

    Args:
        config: Its configuration; None loads it.
        clock: Gives the present.

    Returns:
        The application; what it needs is opened by its lifespan.

    Raises:
        ConfigError: The configuration is not valid.
    """
    manager = None
    if config is None:
        manager = ConfigManager(GovernanceServiceConfig)
        config = manager.load()
        configure_service_logging(config, version=_VERSION)
    settings = config

    @asynccontextmanager
    async def lifespan(app: MaestroAPI) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            try:
                state = await _open(settings, clock, app, stack)
            except (GovernanceError, DatabaseError) as error:
                app.logger.critical("The governance service cannot start", reason=str(error), code=error.code)
                raise
            yield state

    app = MaestroAPI(
        APIConfig.from_config(settings, title=_TITLE, version=_VERSION), lifespan=lifespan, settings=manager
    )
    for router in _ROUTERS:
        app.include_router(router)
    return app


async def _open(config: GovernanceServiceConfig, clock: Clock, app: MaestroAPI, stack: AsyncExitStack) -> State:
    db = await stack.enter_async_context(Database.opened(config, metrics=app.metrics))
    await Migrations("governance_service.migrations").upgrade(db)
    app.health.add("database", db.check)
    audit = await stack.enter_async_context(open_audit(config, db, clock, app))
    # Without a server for events they would be kept for nobody.
    outbox = None if config.messaging_url is None else Outbox(db)
    if outbox is not None:
        await stack.enter_async_context(publishing(outbox, config, app.metrics))
    teller = AuditAndEvents(audit.trail, outbox)
    policies = await open_policies(config, db, teller, clock)
    approvals = await stack.enter_async_context(open_approvals(config, db, teller, clock, app))
    scorecards = await stack.enter_async_context(open_scorecards(config, db, teller, clock, app))
    return State(audit=audit, policies=policies, approvals=approvals, scorecards=scorecards)
