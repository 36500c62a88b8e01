"""Users and roles in the database."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.identity.domain import ADMIN, LastAdminError, Role, User
from governance_service.identity.tables import RoleRow, UserRow


async def user_row(session: AsyncSession, name: str, *, locked: bool = False) -> UserRow | None:
    """Find a user by name.

    Args:
        session: The unit of work.
        name: The name, in its one spelling.
        locked: Whether the user is to be changed; others who would do so wait.
    """
    statement = select(UserRow).where(UserRow.name == name)
    if locked:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def users_after(
    session: AsyncSession, *, tenant: str | None, all_tenants: bool, after: str | None, limit: int
) -> Sequence[UserRow]:
    """List users by name.

    Args:
        session: A session.
        tenant: Whose.
        all_tenants: Whether all users are meant, whichever their tenant.
        after: Begins behind this name.
        limit: How many at most.
    """
    statement = select(UserRow).order_by(UserRow.name).limit(limit)
    if not all_tenants:
        statement = statement.where(UserRow.tenant == tenant)
    if after is not None:
        statement = statement.where(UserRow.name > after)
    return (await session.scalars(statement)).all()


def new_user_row(
    *, name: str, tenant: str | None, roles: Sequence[str], at: datetime, password_hash: str | None, must_change: bool
) -> UserRow:
    """Make the row of a new user.

    Args:
        name: The name.
        tenant: The tenant; None for the platform's own.
        roles: The roles.
        at: Now.
        password_hash: What is kept of the password; None for none.
        must_change: Whether the password is somebody else's choice.
    """
    return UserRow(
        id=uuid.uuid4().hex,
        name=name,
        tenant=tenant,
        roles=sorted(set(roles)),
        password_hash=password_hash,
        password_changed_at=None if password_hash is None else at,
        must_change_password=must_change,
        created_at=at,
    )


async def require_other_admin(session: AsyncSession, row: UserRow) -> None:
    """Refuse to take the last admin away.

    Args:
        session: The unit of work.
        row: The user who is about to be an admin no more.

    Raises:
        LastAdminError: There is no other.
    """
    if ADMIN not in row.roles or row.disabled_at is not None:
        return
    # All admins are locked, in one order: two who take each other's role away at once must not both be let.
    statement = select(UserRow).where(UserRow.tenant.is_(None), UserRow.disabled_at.is_(None)).order_by(UserRow.id)
    others = (await session.scalars(statement.with_for_update())).all()
    if not any(ADMIN in other.roles and other.id != row.id for other in others):
        raise LastAdminError


async def roles_by_name(session: AsyncSession) -> dict[str, Role]:
    """Return the roles that the platform has made.

    Args:
        session: A session.
    """
    rows = (await session.scalars(select(RoleRow).order_by(RoleRow.name))).all()
    return {row.name: Role(row.name, row.description, frozenset(row.scopes)) for row in rows}


async def scopes_of(session: AsyncSession, roles: Collection[str]) -> frozenset[str]:
    """Return the scopes that roles give.

    Args:
        session: A session.
        roles: Names of roles.
    """
    known = await roles_by_name(session)
    return frozenset(scope for name in roles if name in known for scope in known[name].scopes)


async def holders_of(session: AsyncSession, role: str) -> int:
    """Count the users who have a role.

    Args:
        session: A session.
        role: Its name.
    """
    rows = (await session.scalars(select(UserRow.roles))).all()
    return sum(role in roles for roles in rows)


def as_user(row: UserRow) -> User:
    """Return a user without what is kept of the password.

    Args:
        row: The row.
    """
    return User(
        user_id=row.id,
        name=row.name,
        tenant=row.tenant,
        roles=frozenset(row.roles),
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        password_changed_at=row.password_changed_at,
        must_change_password=row.must_change_password,
        external=row.external_provider,
    )
