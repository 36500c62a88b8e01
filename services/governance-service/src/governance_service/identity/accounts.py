"""Administering users."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.audit import AuditRecord, AuditTrail
from governance_service.clock import Clock
from maestro_core_api import Principal
from maestro_core_db import ConstraintViolatedError, Database

from .config import IdentitySettings
from .domain import (
    ADMIN,
    InvalidIdentityError,
    NameTakenError,
    UnknownIdentityError,
    User,
    check_grant,
    check_password,
    checked_name,
    checked_tenant,
    may_administer,
)
from .hashing import PasswordHashes
from .sessions import Sessions
from .storage import as_user, new_user_row, require_other_admin, roles_by_name, user_row, users_after
from .tables import SessionRow, UserRow

_Change = Callable[[AsyncSession, UserRow], Awaitable[Sequence[SessionRow]]]


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A user, and the password that was made for them, to be shown once."""

    user: User
    password: str | None
    """None when the caller chose it."""


class Accounts:
    """Makes and changes users. Callers of a tenant see and change those of their tenant alone; to them there are no others.

    Args:
        config: What passwords must be.
        db: The database.
        trail: Hears of every change.
        hashes: Hashes passwords.
        sessions: Ends the sessions of users who may sign in no more.
        clock: Gives the present.
    """

    def __init__(
        self,
        config: IdentitySettings,
        db: Database,
        trail: AuditTrail,
        hashes: PasswordHashes,
        sessions: Sessions,
        *,
        clock: Clock,
    ) -> None:
        self._config = config
        self._db = db
        self._trail = trail
        self._hashes = hashes
        self._sessions = sessions
        self._clock = clock

    async def create(
        self, caller: Principal, name: str, *, roles: Collection[str], tenant: str | None, password: str | None
    ) -> NewPassword:
        """Make a user.

        Args:
            caller: Who makes the user.
            name: The user's name.
            roles: The user's roles.
            tenant: The user's tenant; None for the caller's own.
            password: The first password; None makes one.

        Returns:
            The user, who must choose a password of their own when one was made.

        Raises:
            InvalidIdentityError: Name, tenant, roles or password break the rules.
            NotGrantableError: The caller may not give these roles, or not there.
            NameTakenError: There is a user of this name.
        """
        spelt = checked_name(name)
        belongs = checked_tenant(tenant if tenant is not None else caller.tenant)
        made, kept = await self._first_password(spelt, password)

        async def work(session: AsyncSession) -> User:
            check_grant(caller, roles, belongs, await roles_by_name(session))
            if await user_row(session, spelt) is not None:
                raise NameTakenError(spelt)
            row = new_user_row(
                name=spelt,
                tenant=belongs,
                roles=sorted(roles),
                at=self._clock(),
                password_hash=kept,
                must_change=made is not None,
            )
            session.add(row)
            try:
                await session.flush()
            except ConstraintViolatedError as error:
                raise NameTakenError(spelt) from error
            await self._say(session, caller, "user.create", row, {"roles": row.roles})
            await session.commit()
            return as_user(row)

        return NewPassword(await self._trail.recorded(work), made)

    async def create_first_admin(self, name: str, password: str) -> bool:
        """Make an admin of the platform from the configuration, unless there is a user of this name.

        Args:
            name: The admin's name.
            password: The password to begin with.

        Returns:
            Whether the admin is new.

        Raises:
            InvalidIdentityError: Name or password break the rules.
        """
        async with self._db.reading() as session:
            if await user_row(session, checked_name(name)) is not None:
                return False
        configuration = Principal("configuration", frozenset({ADMIN}))
        try:
            await self.create(configuration, name, roles=[ADMIN], tenant=None, password=password)
        except NameTakenError:
            return False  # another instance was quicker
        return True

    async def find(self, caller: Principal, name: str) -> User:
        """Return a user whom the caller may see: oneself, or whom one administers.

        Args:
            caller: Who asks.
            name: The user's name.

        Raises:
            UnknownIdentityError: There is none, or not for the caller.
        """
        async with self._db.reading() as session:
            row = await user_row(session, name)
        is_own = row is not None and row.name == caller.subject and row.tenant == caller.tenant
        if row is None or not (is_own or may_administer(caller, row.tenant)):
            raise UnknownIdentityError("user", name)
        return as_user(row)

    async def listed(self, caller: Principal, *, tenant: str | None, after: str | None, limit: int) -> Sequence[User]:
        """List users by name.

        Args:
            caller: Who asks; sees the users of their tenant, the platform's admins see all.
            tenant: Only those of this tenant; None for all that the caller may see.
            after: Begins behind this name.
            limit: How many at most.
        """
        wanted = caller.tenant if caller.tenant is not None else tenant
        async with self._db.reading() as session:
            rows = await users_after(session, tenant=wanted, all_tenants=wanted is None, after=after, limit=limit)
        return [as_user(row) for row in rows]

    async def set_roles(self, caller: Principal, name: str, roles: Collection[str]) -> User:
        """Give a user other roles. Access tokens with the former ones end within their lifetime; sessions get the new ones.

        Args:
            caller: Who gives them.
            name: The user's name.
            roles: All roles that the user has from now on.

        Raises:
            UnknownIdentityError: There is no such user, or not for the caller.
            NotGrantableError: The caller may not give these roles.
            LastAdminError: The platform would have no admin.
        """

        async def change(session: AsyncSession, row: UserRow) -> Sequence[SessionRow]:
            check_grant(caller, roles, row.tenant, await roles_by_name(session))
            before = row.roles
            if ADMIN not in roles:
                await require_other_admin(session, row)
            row.roles = sorted(set(roles))
            await self._say(session, caller, "user.set-roles", row, {"before": before, "roles": row.roles})
            # What a former role allows must not go on until the access token ends by itself.
            return await self._sessions.end_all(session, row, because="roles") if set(before) - set(roles) else []

        return await self._changed(caller, name, change)

    async def disable(self, caller: Principal, name: str) -> User:
        """Let a user sign in no more, and end all their sessions.

        Args:
            caller: Who does it.
            name: The user's name.

        Raises:
            UnknownIdentityError: There is no such user, or not for the caller.
            LastAdminError: The platform would have no admin.
        """

        async def change(session: AsyncSession, row: UserRow) -> Sequence[SessionRow]:
            await require_other_admin(session, row)
            row.disabled_at = row.disabled_at or self._clock()
            ended = await self._sessions.end_all(session, row, because="disabled")
            await self._say(session, caller, "user.disable", row, {"sessions_ended": len(ended)})
            return ended

        return await self._changed(caller, name, change)

    async def enable(self, caller: Principal, name: str) -> User:
        """Let a user sign in again.

        Args:
            caller: Who does it.
            name: The user's name.

        Raises:
            UnknownIdentityError: There is no such user, or not for the caller.
        """

        async def change(session: AsyncSession, row: UserRow) -> Sequence[SessionRow]:
            row.disabled_at = None
            await self._say(session, caller, "user.enable", row, {})
            return []

        return await self._changed(caller, name, change)

    async def reset_password(self, caller: Principal, name: str, password: str | None) -> NewPassword:
        """Replace a user's password, and end all their sessions. The user must choose one of their own before they sign in.

        Args:
            caller: Who does it.
            name: The user's name.
            password: The new one; None makes one.

        Raises:
            UnknownIdentityError: There is no such user, or not for the caller.
            InvalidIdentityError: The password would be guessed, or the user signs in elsewhere.
        """
        made, kept = await self._first_password(name, password)

        async def change(session: AsyncSession, row: UserRow) -> Sequence[SessionRow]:
            if row.external_provider is not None:
                raise InvalidIdentityError({"name": f"signs in with {row.external_provider} and has no password here"})
            row.password_hash, row.password_changed_at, row.must_change_password = kept, self._clock(), True
            ended = await self._sessions.end_all(session, row, because="password-reset")
            await self._say(session, caller, "user.reset-password", row, {"sessions_ended": len(ended)})
            return ended

        return NewPassword(await self._changed(caller, name, change), made)

    async def _first_password(self, name: str, password: str | None) -> tuple[str | None, str]:
        if password is not None:
            check_password(password, shortest=self._config.password_min_length, names=name.split("@"))
        made = secrets.token_urlsafe(18) if password is None else None
        return made, await self._hashes.hashed(made or password or "")

    async def _changed(self, caller: Principal, name: str, change: _Change) -> User:
        async def work(session: AsyncSession) -> tuple[User, Sequence[SessionRow]]:
            row = await user_row(session, name, locked=True)
            if row is None or not may_administer(caller, row.tenant):
                raise UnknownIdentityError("user", name)
            ended = await change(session, row)
            await session.commit()
            return as_user(row), ended

        user, ended = await self._trail.recorded(work)
        self._sessions.refuse(ended)
        return user

    async def _say(
        self, session: AsyncSession, caller: Principal, action: str, row: UserRow, details: dict[str, Any]
    ) -> None:
        await session.flush()
        said = AuditRecord(
            actor=caller.subject, action=action, resource=f"user:{row.name}", tenant=row.tenant, details=details
        )
        await self._trail.append(session, said)
