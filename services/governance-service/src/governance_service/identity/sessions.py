"""Sessions: what signing in begins, refreshing goes on with, and signing out ends."""

import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.audit import AuditRecord, AuditTrail, Outcome
from governance_service.clock import Clock

from .access_tokens import AccessTokens
from .config import IdentitySettings
from .domain import (
    TokenRefusedError,
    TokenReusedError,
    is_secret_of,
    new_refresh_token,
    read_refresh_token,
)
from .storage import locked_session, open_sessions, refresh_token, scopes_of, session_of_access_token
from .tables import RefreshTokenRow, SessionRow, UserRow

Revoke = Callable[[str, datetime], None]
"""Refuses an access token, by its id, until it ends by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a session gives its user."""

    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime
    scopes: frozenset[str]


class Sessions:
    """Begins, goes on with and ends sessions.

    Args:
        config: How long they last.
        trail: Hears of them.
        tokens: Issues access tokens.
        clock: Gives the present.
        pepper: Key of the hashes of refresh tokens.
        revoke: Refuses the access tokens of sessions that end, in this process.
    """

    def __init__(
        self,
        config: IdentitySettings,
        trail: AuditTrail,
        tokens: AccessTokens,
        *,
        clock: Clock,
        pepper: bytes,
        revoke: Revoke,
    ) -> None:
        self._config = config
        self._trail = trail
        self._tokens = tokens
        self._clock = clock
        self._pepper = pepper
        self._revoke = revoke

    async def begin(self, session: AsyncSession, user: UserRow, *, method: str) -> Tokens:
        """Begin a session in a unit of work.

        Args:
            session: The unit of work.
            user: Who has signed in.
            method: How: `password`, `outside`.

        Returns:
            Its first tokens.
        """
        now = self._clock()
        row = SessionRow(
            id=uuid.uuid4().hex,
            user_id=user.id,
            method=method,
            created_at=now,
            expires_at=now + timedelta(seconds=self._config.session_lifetime_s),
        )
        return await self._next(session, row, user, now)

    async def refresh(self, token: str) -> Tokens:
        """Go on with a session. Each refresh token does so once.

        Args:
            token: The session's last refresh token.

        Returns:
            The next tokens.

        Raises:
            TokenRefusedError: It is unknown, over, or its session has ended.
            TokenReusedError: It was used before. The session has ended.
        """
        parts = read_refresh_token(token)
        if parts is None:
            raise TokenRefusedError
        ended: list[SessionRow] = []

        async def work(session: AsyncSession) -> Tokens | None:
            ended.clear()
            now = self._clock()
            kept = await refresh_token(session, parts[0])
            if kept is None or not is_secret_of(*parts, kept.hash, self._pepper):
                raise TokenRefusedError
            row = await locked_session(session, kept.session_id)
            # Looked at again, now that nobody else can use it.
            kept = await refresh_token(session, parts[0])
            if row is None or kept is None or row.ended_at is not None or row.expires_at <= now:
                raise TokenRefusedError
            user = await session.get_one(UserRow, row.user_id)
            if kept.used_at is not None:
                ended.append(row)
                await self._end(session, [row], now, because="reuse")
                await self._say(session, "session.reuse", user, row, "denied")
                await session.commit()
                return None
            if kept.expires_at <= now or user.disabled_at is not None:
                raise TokenRefusedError
            kept.used_at = now
            tokens = await self._next(session, row, user, now)
            await session.commit()
            return tokens

        tokens = await self._trail.recorded(work)
        self.refuse(ended)
        if tokens is None:
            raise TokenReusedError
        return tokens

    async def end_by_refresh_token(self, token: str) -> None:
        """End the session of a refresh token; nothing happens when there is none.

        Args:
            token: Any token of the session.
        """
        parts = read_refresh_token(token)
        if parts is None:
            return

        async def find(session: AsyncSession) -> str | None:
            kept = await refresh_token(session, parts[0])
            return kept.session_id if kept and is_secret_of(*parts, kept.hash, self._pepper) else None

        await self._end_found(find)

    async def end_by_access_token(self, access_token_id: str) -> None:
        """End the session of an access token; nothing happens when there is none.

        Args:
            access_token_id: Its `jti`.
        """

        async def find(session: AsyncSession) -> str | None:
            return await session_of_access_token(session, access_token_id)

        await self._end_found(find)

    async def end_all(self, session: AsyncSession, user: UserRow, *, because: str) -> list[SessionRow]:
        """End all sessions of a user in a unit of work; `refuse` their access tokens after it.

        Args:
            session: The unit of work.
            user: The user.
            because: Why.

        Returns:
            The sessions.
        """
        now = self._clock()
        rows = list(await open_sessions(session, user.id, now))
        await self._end(session, rows, now, because=because)
        return rows

    def refuse(self, rows: Iterable[SessionRow]) -> None:
        """Refuse the access tokens of sessions that have ended, in this process, at once.

        Args:
            rows: The sessions.
        """
        for row in rows:
            self._revoke(row.access_token_id, row.access_expires_at)

    async def _end_found(self, find: Callable[[AsyncSession], Awaitable[str | None]]) -> None:
        ended: list[SessionRow] = []

        async def work(session: AsyncSession) -> None:
            ended.clear()
            session_id = await find(session)
            row = None if session_id is None else await locked_session(session, session_id)
            if row is None or row.ended_at is not None:
                return
            ended.append(row)
            user = await session.get_one(UserRow, row.user_id)
            await self._end(session, [row], self._clock(), because="signed-out")
            await self._say(session, "session.end", user, row)
            await session.commit()

        await self._trail.recorded(work)
        self.refuse(ended)

    async def _next(self, session: AsyncSession, row: SessionRow, user: UserRow, now: datetime) -> Tokens:
        scopes = await scopes_of(session, user.roles)
        access = self._tokens.issue(
            subject=user.name,
            roles=user.roles,
            scopes=scopes,
            tenant=user.tenant,
            now=now,
            until=row.expires_at,
            sid=row.id,
            auth_time=int(row.created_at.timestamp()),
        )
        token, token_id, kept = new_refresh_token(self._pepper)
        expires_at = min(row.expires_at, now + timedelta(seconds=self._config.refresh_token_lifetime_s))
        row.last_used_at, row.access_token_id, row.access_expires_at = now, access.token_id, access.expires_at
        session.add(row)
        await session.flush()
        session.add(RefreshTokenRow(id=token_id, session_id=row.id, hash=kept, expires_at=expires_at))
        return Tokens(
            access_token=access.token,
            access_expires_at=access.expires_at,
            refresh_token=token,
            refresh_expires_at=expires_at,
            scopes=scopes,
        )

    async def _end(self, session: AsyncSession, rows: Iterable[SessionRow], now: datetime, *, because: str) -> None:
        for row in rows:
            row.ended_at, row.ended_because = now, because
        await session.flush()

    async def _say(
        self, session: AsyncSession, action: str, user: UserRow, row: SessionRow, outcome: Outcome = "success"
    ) -> None:
        await self._trail.append(
            session,
            AuditRecord(
                actor=user.name,
                action=action,
                resource=f"session:{row.id}",
                outcome=outcome,
                tenant=user.tenant,
            ),
        )
