"""API keys of machines, and of people for their own programs."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import SecretStr
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.audit import AuditRecord, AuditTrail
from governance_service.clock import Clock
from maestro_core_api import Principal, issue_api_key
from maestro_core_db import Database

from .access_tokens import is_for_key
from .config import IdentitySettings
from .domain import (
    InvalidIdentityError,
    NotGrantableError,
    UnknownIdentityError,
    check_grant,
    check_own_grant,
    checked_name,
    checked_tenant,
    may_administer,
)
from .storage import roles_by_name, user_row
from .tables import ApiKeyRow

MACHINE: Final = "machine:"
"""What the name of whoever a key speaks for begins with, unless that is a user: no user's name has a colon."""
_LONGEST: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What is shown of a key."""

    key_id: str
    title: str
    subject: str
    tenant: str | None
    roles: frozenset[str]
    scopes: frozenset[str]
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class ApiKeys:
    """Makes, lists and revokes keys.

    Args:
        config: What keys look like.
        db: The database.
        trail: Hears of every change.
        clock: Gives the present.
        pepper: Key of the hashes; None for hashes that are not keyed.
        forget: Lets this process look a key up again.
    """

    def __init__(
        self,
        config: IdentitySettings,
        db: Database,
        trail: AuditTrail,
        *,
        clock: Clock,
        pepper: SecretStr | None,
        forget: Callable[[str], None],
    ) -> None:
        self._config = config
        self._db = db
        self._trail = trail
        self._clock = clock
        self._pepper = pepper
        self._forget = forget

    async def create(
        self,
        caller: Principal,
        title: str,
        *,
        machine: str | None,
        tenant: str | None,
        roles: Collection[str],
        scopes: Collection[str],
        expires_in: timedelta,
    ) -> tuple[str, KeyRecord]:
        """Make a key.

        Args:
            caller: Who makes it.
            title: What it is for.
            machine: Name of the machine that it speaks for; None for the caller.
            tenant: The machine's tenant; None for the caller's own.
            roles: Its roles.
            scopes: Its scopes.
            expires_in: How long it is valid.

        Returns:
            The key, to be shown once, and what is shown of it.

        Raises:
            InvalidIdentityError: Something breaks the rules.
            NotGrantableError: The caller may not give so much.
        """
        if is_for_key(caller):
            # A key that was stolen must not make another one that outlives it, nor by way of a token.
            raise NotGrantableError("no-key-from-key", "an API key cannot make API keys: sign in")
        if not timedelta(0) < expires_in <= _LONGEST:
            raise InvalidIdentityError({"expires_in_s": f"must be more than 0 and at most {_LONGEST.days} days"})
        if not 0 < len(title) <= 128 or not title.isprintable():
            raise InvalidIdentityError({"title": "must be 1 to 128 printable characters"})
        belongs = checked_tenant(tenant if tenant is not None and machine is not None else caller.tenant)
        subject = caller.subject if machine is None else MACHINE + checked_name(machine)
        key, kept = issue_api_key(
            subject=subject,
            roles=sorted(roles),
            scopes=sorted(scopes),
            expires_in=expires_in,
            prefix=self._config.api_key_prefix,
            pepper=self._pepper,
            tenant=belongs,
        )

        async def work(session: AsyncSession) -> KeyRecord:
            owner_id = None
            if machine is None:
                owner = await user_row(session, caller.subject)
                if owner is None or owner.tenant != caller.tenant or owner.disabled_at is not None:
                    raise NotGrantableError("own-key", f"{caller.subject} is no user; name a machine for the key")
                check_own_grant(caller, roles, scopes)
                owner_id = owner.id
            else:
                check_grant(caller, roles, belongs, await roles_by_name(session))
                if caller.tenant is not None:
                    check_own_grant(caller, (), scopes)
            now = self._clock()
            row = ApiKeyRow(
                id=kept.key_id,
                hash=kept.hash,
                title=title,
                subject=subject,
                owner_id=owner_id,
                tenant=belongs,
                roles=sorted(set(roles)),
                scopes=sorted(set(scopes)),
                created_by=caller.subject,
                created_at=now,
                expires_at=now + expires_in,
            )
            session.add(row)
            await session.flush()
            details = {"subject": subject, "roles": row.roles, "scopes": row.scopes}
            await self._say(session, caller, "api-key.create", row, details)
            await session.commit()
            return _record(row)

        return key, await self._trail.recorded(work)

    async def listed(self, caller: Principal, *, after: str | None, limit: int) -> Sequence[KeyRecord]:
        """List keys by id: one's own, and those that one administers.

        Args:
            caller: Who asks.
            after: Begins behind this id.
            limit: How many at most.
        """
        own = (ApiKeyRow.subject == caller.subject) & (ApiKeyRow.tenant.is_not_distinct_from(caller.tenant))
        statement = select(ApiKeyRow).order_by(ApiKeyRow.id).limit(limit)
        if not may_administer(caller, caller.tenant):
            statement = statement.where(own)
        elif caller.tenant is not None:
            statement = statement.where(or_(ApiKeyRow.tenant == caller.tenant, own))
        if after is not None:
            statement = statement.where(ApiKeyRow.id > after)
        async with self._db.reading() as session:
            return [_record(row) for row in (await session.scalars(statement)).all()]

    async def revoke(self, caller: Principal, key_id: str) -> KeyRecord:
        """Take a key back.

        Args:
            caller: Who does it.
            key_id: The key's id.

        Raises:
            UnknownIdentityError: There is none, or not for the caller.
        """

        async def work(session: AsyncSession) -> KeyRecord:
            row = await session.get(ApiKeyRow, key_id, with_for_update=True)
            is_own = row is not None and row.subject == caller.subject and row.tenant == caller.tenant
            if row is None or not (is_own or may_administer(caller, row.tenant)):
                raise UnknownIdentityError("API key", key_id)
            if row.revoked_at is None:
                row.revoked_at = self._clock()
                await session.flush()
                await self._say(session, caller, "api-key.revoke", row, {"subject": row.subject})
                await session.commit()
            return _record(row)

        record = await self._trail.recorded(work)
        self._forget(key_id)
        return record

    async def _say(
        self, session: AsyncSession, caller: Principal, action: str, row: ApiKeyRow, details: Mapping[str, object]
    ) -> None:
        said = AuditRecord(
            actor=caller.subject, action=action, resource=f"api-key:{row.id}", tenant=row.tenant, details=details
        )
        await self._trail.append(session, said)


def _record(row: ApiKeyRow) -> KeyRecord:
    return KeyRecord(
        key_id=row.id,
        title=row.title,
        subject=row.subject,
        tenant=row.tenant,
        roles=frozenset(row.roles),
        scopes=frozenset(row.scopes),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
