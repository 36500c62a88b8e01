"""The only place where the parts are put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, TypedDict

from fastapi import Depends

from governance_service.approvals.api import Approvals
from governance_service.approvals.api import router as approvals_router
from governance_service.approvals.opening import open_approvals
from governance_service.audit.api import router as audit_router
from governance_service.audit.opening import Audit, open_audit
from governance_service.clock import Clock, system_clock
from governance_service.config import GovernanceServiceConfig
from governance_service.domain import GovernanceError
from governance_service.identity.api import ROUTERS as IDENTITY_ROUTERS
from governance_service.identity.key_store import DatabaseKeyStore
from governance_service.identity.key_uses import note_key_use
from governance_service.identity.opening import Identity, open_identity, pepper_of
from governance_service.policies.api import Policies
from governance_service.policies.api import router as policies_router
from governance_service.policies.opening import open_policies
from governance_service.publishing import publishing
from governance_service.scorecards.api import Scorecards
from governance_service.scorecards.api import router as scorecards_router
from governance_service.scorecards.opening import open_scorecards
from governance_service.telling import AuditAndEvents
from maestro_core_api import APIConfig, APIKeyConfig, MaestroAPI, SecurityConfig, configure_service_logging
from maestro_core_config import ConfigManager
from maestro_core_db import Database, DatabaseError, Migrations, Outbox

_TITLE: Final = "Governance Service API"
_VERSION: Final = "1.0.0"
_MOST_BODY_BYTES: Final = 1024 * 1024
_ROUTERS: Final = (audit_router, *IDENTITY_ROUTERS, policies_router, approvals_router, scorecards_router)


class State(TypedDict):
    """What requests find in `request.state`: one facade for each subject."""

    audit: Audit
    identity: Identity
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
                state = await _open(settings, clock, app, key_store, stack)
            except (GovernanceError, DatabaseError) as error:
                app.logger.critical("The governance service cannot start", reason=str(error), code=error.code)
                raise
            yield state

    key_store = DatabaseKeyStore(clock)
    app = MaestroAPI(
        _api_config(settings),
        lifespan=lifespan,
        key_store=key_store,
        settings=manager,
        dependencies=[Depends(note_key_use)],
    )
    for router in _ROUTERS:
        app.include_router(router)
    return app


def _api_config(config: GovernanceServiceConfig) -> APIConfig:
    security = SecurityConfig(
        jwt_secret_key=config.jwt_secret,
        api_keys=APIKeyConfig(prefix=config.api_key_prefix, pepper=pepper_of(config)),
        trusted_proxies=config.trusted_proxies,
    )
    return APIConfig.from_config(
        config, title=_TITLE, version=_VERSION, security=security, max_body_bytes=_MOST_BODY_BYTES
    )


async def _open(
    config: GovernanceServiceConfig, clock: Clock, app: MaestroAPI, key_store: DatabaseKeyStore, stack: AsyncExitStack
) -> State:
    db = await stack.enter_async_context(Database.opened(config, metrics=app.metrics))
    await Migrations("governance_service.migrations").upgrade(db)
    app.health.add("database", db.check)
    audit = await stack.enter_async_context(open_audit(config, db, clock, app))
    identity = await stack.enter_async_context(open_identity(config, db, audit.trail, key_store, clock, app))
    # Without a server for events they would be kept for nobody.
    outbox = None if config.messaging_url is None else Outbox(db)
    if outbox is not None:
        await stack.enter_async_context(publishing(outbox, audit, config, app.metrics))
    teller = AuditAndEvents(audit.trail, outbox)
    policies = await open_policies(config, db, teller, clock)
    approvals = await stack.enter_async_context(open_approvals(config, db, teller, clock, app))
    scorecards = await stack.enter_async_context(open_scorecards(config, db, teller, clock, app))
    return State(audit=audit, identity=identity, policies=policies, approvals=approvals, scorecards=scorecards)
