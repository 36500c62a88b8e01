"""Opens everything about identities."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.audit import AuditRecord, AuditTrail
from governance_service.clock import Clock
from governance_service.repeating import repeated
from maestro_core_api import MaestroAPI, Principal, TrustedIssuer
from maestro_core_db import Database, DatabaseError
from maestro_core_logging import get_logger

from .access_tokens import AccessTokens
from .accounts import Accounts
from .api_keys import ApiKeys
from .config import IdentitySettings
from .hashing import PasswordHashes
from .key_store import DatabaseKeyStore
from .oidc import OutsideLogins
from .roles import Roles
from .sessions import Sessions
from .signing_in import SigningIn
from .storage import forget_old_sessions
from .token_keys import TokenKeys

_logger = get_logger(__name__)
_TIDIES_EVERY: Final = timedelta(hours=1)
_KEPT_AFTER_THE_END: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Identity:
    """Everything about identities."""

    config: IdentitySettings
    signing_in: SigningIn
    sessions: Sessions
    accounts: Accounts
    roles: Roles
    api_keys: ApiKeys
    key_store: DatabaseKeyStore
    outside: OutsideLogins
    access_tokens: AccessTokens
    token_keys: TokenKeys
    trail: AuditTrail
    clock: Clock

    async def replace_keys(self, caller: Principal) -> None:
        """Replace the key that signs access tokens at once: every access token that there is is refused from now on.

        Args:
            caller: Who does it.
        """
        said = AuditRecord(actor=caller.subject, action="token-keys.replace", resource="token-keys")

        async def work(session: AsyncSession) -> None:
            await self.trail.append(session, said)
            await session.commit()

        # Said first: keys are no part of the database, and what is done must not go unsaid.
        await self.trail.recorded(work)
        await asyncio.to_thread(self.token_keys.replace_all)
        self.token_keys.tell()


def pepper_of(config: IdentitySettings) -> SecretStr | None:
    """Return the key of the hashes of API keys and refresh tokens.

    Args:
        config: Names it, or a secret that it follows from.

    Returns:
        The key; None when there is neither.
    """
    if config.identity_pepper is not None:
        return config.identity_pepper
    if config.jwt_secret is None:
        return None
    secret = config.jwt_secret.get_secret_value().encode()
    return SecretStr(hmac.new(secret, b"governance-service identity pepper", hashlib.sha256).hexdigest())


@asynccontextmanager
async def open_identity(
    config: IdentitySettings,
    db: Database,
    trail: AuditTrail,
    key_store: DatabaseKeyStore,
    clock: Clock,
    app: MaestroAPI,
) -> AsyncIterator[Identity]:
    """Open identities while a block runs.

    Args:
        config: Their settings.
        db: The database, migrated.
        trail: The audit trail.
        key_store: The application's.
        clock: Gives the present.
        app: The application.

    Yields:
        Everything about identities.

    Raises:
        KeysError: The folder of keys cannot be used.
        InvalidIdentityError: The admin of the configuration breaks the rules.
        DatabaseError: The database cannot be used.
    """

    def trust(jwks: dict[str, Any]) -> None:
        app.authenticator.trust(
            TrustedIssuer(
                issuer=config.token_issuer,
                jwks=jwks,
                audience=config.token_audience,
                algorithms=("EdDSA",),
                tenant_claim="tenant",
            )
        )

    pepper = pepper_of(config)
    key = b"" if pepper is None else pepper.get_secret_value().encode()
    token_keys = TokenKeys(config, clock=clock, changed=trust)
    access_tokens = AccessTokens(config, token_keys)
    hashes = await asyncio.to_thread(PasswordHashes, config)

    def revoke(token_id: str, until: Any) -> None:
        app.authenticator.revoke_token(token_id, until=until)

    sessions = Sessions(config, trail, access_tokens, clock=clock, pepper=key, revoke=revoke)
    signing_in = SigningIn(config, db, trail, hashes, sessions, clock=clock, pepper=key)
    accounts = Accounts(config, db, trail, hashes, sessions, clock=clock)
    api_keys = ApiKeys(config, db, trail, clock=clock, pepper=pepper, forget=app.authenticator.forget_api_key)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(token_keys.at_work())
        await stack.enter_async_context(key_store.opened(db))
        outside = await stack.enter_async_context(OutsideLogins.opened(config, db, trail, sessions, clock=clock))
        await _make_admin(config, accounts)
        await stack.enter_async_context(_tidied(db, signing_in, clock))
        yield Identity(
            config=config,
            signing_in=signing_in,
            sessions=sessions,
            accounts=accounts,
            roles=Roles(db, trail),
            api_keys=api_keys,
            key_store=key_store,
            outside=outside,
            access_tokens=access_tokens,
            token_keys=token_keys,
            trail=trail,
            clock=clock,
        )


async def _make_admin(config: IdentitySettings, accounts: Accounts) -> None:
    name, password = config.admin_name, config.admin_password
    if name is None or password is None:
        return
    if await accounts.create_first_admin(name, password.get_secret_value()):
        _logger.info("The admin of the configuration was made", name=name)


@asynccontextmanager
async def _tidied(db: Database, signing_in: SigningIn, clock: Clock) -> AsyncIterator[None]:
    async def forget(session: AsyncSession) -> None:
        await forget_old_sessions(session, clock() - _KEPT_AFTER_THE_END)
        await session.commit()

    async def tidy() -> None:
        try:
            await signing_in.forget_old_attempts()
            await db.retrying(forget)
        except DatabaseError as error:
            _logger.warning("Old sessions could not be deleted", error_code=error.code)

    async with repeated(tidy, every=_TIDIES_EVERY, name="identity-tidying"):
        yield
