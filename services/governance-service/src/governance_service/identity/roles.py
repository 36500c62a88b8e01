"""Roles that the platform makes: names for scopes."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.audit import AuditRecord, AuditTrail
from maestro_core_api import Principal
from maestro_core_db import Database

from .domain import BUILT_IN, NotGrantableError, Role, UnknownIdentityError, check_role
from .storage import holders_of, roles_by_name
from .tables import RoleRow


class Roles:
    """Makes, changes and removes roles. Only admins of the platform get here.

    Args:
        db: The database.
        trail: Hears of every change.
    """

    def __init__(self, db: Database, trail: AuditTrail) -> None:
        self._db = db
        self._trail = trail

    async def listed(self) -> list[Role]:
        """List all roles, those that are always there first."""
        async with self._db.reading() as session:
            made = await roles_by_name(session)
        return [*(Role(name, text, frozenset()) for name, text in BUILT_IN.items()), *made.values()]

    async def put(self, caller: Principal, name: str, description: str, scopes: Collection[str]) -> tuple[Role, bool]:
        """Make a role, or change what it is for.

        Args:
            caller: Who does it.
            name: Its name.
            description: What it is for.
            scopes: The scopes that it gives.

        Returns:
            The role, and whether it is new.

        Raises:
            InvalidIdentityError: Name or scopes break the rules.
        """
        check_role(name, scopes)

        async def work(session: AsyncSession) -> bool:
            row = await session.get(RoleRow, name, with_for_update=True)
            is_new = row is None
            if row is None:
                row = RoleRow(name=name)
                session.add(row)
            row.description, row.scopes = description, sorted(set(scopes))
            await session.flush()
            await self._say(session, caller, "role.create" if is_new else "role.change", name, row.scopes)
            await session.commit()
            return is_new

        is_new = await self._trail.recorded(work)
        return Role(name, description, frozenset(scopes)), is_new

    async def remove(self, caller: Principal, name: str) -> None:
        """Remove a role that nobody has.

        Args:
            caller: Who does it.
            name: Its name.

        Raises:
            UnknownIdentityError: There is none.
            NotGrantableError: It is built in, or somebody has it.
        """
        if name in BUILT_IN:
            raise NotGrantableError("built-in-role", f"{name} is always there")

        async def work(session: AsyncSession) -> None:
            row = await session.get(RoleRow, name, with_for_update=True)
            if row is None:
                raise UnknownIdentityError("role", name)
            holders = await holders_of(session, name)
            if holders:
                raise NotGrantableError("role-in-use", f"{holders} users have the role {name}; take it from them first")
            await session.delete(row)
            await self._say(session, caller, "role.remove", name, row.scopes)
            await session.commit()

        await self._trail.recorded(work)

    async def _say(self, session: AsyncSession, caller: Principal, action: str, name: str, scopes: list[str]) -> None:
        said = AuditRecord(actor=caller.subject, action=action, resource=f"role:{name}", details={"scopes": scopes})
        await self._trail.append(session, said)
