"""Signing in with an outside provider: authorization code with PKCE, state and nonce (RFC 6749, RFC 7636, RFC 9700)."""

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import httpx2
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.audit import AuditRecord, AuditTrail
from governance_service.clock import Clock
from governance_service.identity.config import IdentitySettings
from governance_service.identity.domain import OutsideLoginRefusedError, UnknownIdentityError
from governance_service.identity.sessions import Sessions, Tokens
from governance_service.identity.storage import new_user_row, require_other_admin, user_row
from governance_service.identity.tables import OutsideLoginRow, UserRow
from governance_service.keys import b64url
from maestro_core_api import trusted_certificates
from maestro_core_db import Database

from ._claims import OutsideIdentity, told_apart
from ._provider import OidcProvider

_LIFETIME: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun."""

    url: str
    """Where the browser goes."""
    browser: str
    """What the browser keeps, so that nobody else's browser can end this sign-in."""
    lifetime: timedelta


class OutsideLogins:
    """Begins and ends sign-ins. Use `opened`.

    Args:
        providers: The providers, by their names here.
        db: The database.
        trail: Hears of them.
        sessions: Begins sessions.
        clock: Gives the present.
    """

    def __init__(
        self,
        providers: Mapping[str, OidcProvider],
        db: Database,
        trail: AuditTrail,
        sessions: Sessions,
        *,
        clock: Clock,
    ) -> None:
        self._providers = providers
        self._db = db
        self._trail = trail
        self._sessions = sessions
        self._clock = clock

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, config: IdentitySettings, db: Database, trail: AuditTrail, sessions: Sessions, *, clock: Clock
    ) -> AsyncIterator["OutsideLogins"]:
        """Open what asks providers while a block runs.

        Args:
            config: Names the providers.
            db: The database.
            trail: Hears of sign-ins.
            sessions: Begins sessions.
            clock: Gives the present.
        """
        async with httpx2.AsyncClient(verify=trusted_certificates(), trust_env=False, follow_redirects=False) as client:
            providers = {name: OidcProvider(name, settings, client) for name, settings in config.oidc_providers.items()}
            yield cls(providers, db, trail, sessions, clock=clock)

    @property
    def names(self) -> list[str]:
        """The names of the providers."""
        return sorted(self._providers)

    async def begin(self, provider: str, *, redirect_uri: str) -> Begun:
        """Begin a sign-in.

        Args:
            provider: With whom.
            redirect_uri: Where the browser comes back to.

        Raises:
            UnknownIdentityError: There is no such provider.
            ProviderUnavailableError: It cannot be asked.
        """
        asked = self._provider(provider)
        state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        challenge = b64url(hashlib.sha256(verifier.encode()).digest())
        url = await asked.authorization_url(redirect_uri=redirect_uri, state=state, nonce=nonce, challenge=challenge)
        now = self._clock()

        async def work(session: AsyncSession) -> None:
            await session.execute(delete(OutsideLoginRow).where(OutsideLoginRow.expires_at <= now))
            session.add(
                OutsideLoginRow(
                    state_hash=_hash(state),
                    browser_hash=_hash(browser),
                    provider=provider,
                    nonce=nonce,
                    verifier=verifier,
                    expires_at=now + _LIFETIME,
                )
            )
            await session.commit()

        await self._db.retrying(work)
        return Begun(url, browser, _LIFETIME)

    async def finish(self, *, state: str, browser: str, code: str, issuer: str | None, redirect_uri: str) -> Tokens:
        """End a sign-in, and begin a session.

        Args:
            state: What the browser came back with.
            browser: What it has kept.
            code: What it brought.
            issuer: Whom it says that it comes from (RFC 9207); None when it does not say.
            redirect_uri: Where it came back to.

        Returns:
            The session's tokens.

        Raises:
            OutsideLoginRefusedError: It cannot be believed.
            ProviderUnavailableError: The provider cannot be asked.
        """
        begun = await self._taken(state, browser)
        provider = self._provider(begun.provider)
        if issuer is not None and issuer != provider.settings.issuer:
            raise OutsideLoginRefusedError("the browser comes from another provider than it was sent to")
        identity = await provider.identity(code, redirect_uri=redirect_uri, nonce=begun.nonce, verifier=begun.verifier)

        async def work(session: AsyncSession) -> Tokens:
            row = await self._user(session, provider, identity)
            if row.disabled_at is not None:
                raise OutsideLoginRefusedError("the user may not sign in")
            tokens = await self._sessions.begin(session, row, method="outside")
            await self._say(session, row, "session.begin", {"method": "outside", "provider": provider.name})
            await session.commit()
            return tokens

        return await self._trail.recorded(work)

    async def _taken(self, state: str, browser: str) -> OutsideLoginRow:
        async def work(session: AsyncSession) -> OutsideLoginRow | None:
            # Deleted at the first attempt, whatever comes of it: a state counts once.
            statement = select(OutsideLoginRow).where(OutsideLoginRow.state_hash == _hash(state)).with_for_update()
            row = (await session.scalars(statement)).one_or_none()
            if row is not None:
                await session.delete(row)
                await session.commit()
            return row

        row = await self._db.retrying(work)
        if row is None or row.expires_at <= self._clock():
            raise OutsideLoginRefusedError("this sign-in is unknown, over, or was ended before")
        if not hmac.compare_digest(row.browser_hash, _hash(browser)):
            raise OutsideLoginRefusedError("this sign-in was begun by another browser")
        return row

    async def _user(self, session: AsyncSession, provider: OidcProvider, identity: OutsideIdentity) -> UserRow:
        # By the provider's own id alone: names and addresses are given to others there.
        known = select(UserRow).where(
            UserRow.external_issuer == identity.issuer, UserRow.external_subject == identity.subject
        )
        row = (await session.scalars(known.with_for_update())).one_or_none()
        roles = sorted(identity.roles)
        if row is None:
            taken = await user_row(session, identity.name) is not None
            row = new_user_row(
                name=told_apart(identity) if taken else identity.name,
                tenant=provider.settings.tenant,
                roles=roles,
                at=self._clock(),
                password_hash=None,
                must_change=False,
            )
            row.external_provider, row.external_issuer = provider.name, identity.issuer
            row.external_subject = identity.subject
            session.add(row)
            await session.flush()
            await self._say(session, row, "user.create", {"roles": roles, "provider": provider.name})
        elif row.roles != roles and row.disabled_at is None:
            before = row.roles
            if "admin" not in roles:
                await require_other_admin(session, row)
            row.roles = roles
            await session.flush()
            await self._say(
                session, row, "user.set-roles", {"before": before, "roles": roles, "provider": provider.name}
            )
        return row

    async def _say(self, session: AsyncSession, row: UserRow, action: str, details: dict[str, object]) -> None:
        said = AuditRecord(
            actor=row.name, action=action, resource=f"user:{row.name}", tenant=row.tenant, details=details
        )
        await self._trail.append(session, said)

    def _provider(self, name: str) -> OidcProvider:
        if name not in self._providers:
            raise UnknownIdentityError("outside provider", name)
        return self._providers[name]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
