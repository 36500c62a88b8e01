"""Sessions and their refresh tokens in the database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.identity.tables import RefreshTokenRow, SessionRow


async def locked_session(session: AsyncSession, session_id: str) -> SessionRow | None:
    """Find a session that is about to be changed; others who would do so wait.

    Args:
        session: The unit of work.
        session_id: Its id.
    """
    statement = select(SessionRow).where(SessionRow.id == session_id).with_for_update()
    return (await session.scalars(statement.execution_options(populate_existing=True))).one_or_none()


async def open_sessions(session: AsyncSession, user_id: str, now: datetime) -> Sequence[SessionRow]:
    """Find a user's sessions that have not ended, to end them.

    Args:
        session: The unit of work.
        user_id: The user.
        now: The present.
    """
    statement = (
        select(SessionRow)
        .where(SessionRow.user_id == user_id, SessionRow.ended_at.is_(None), SessionRow.expires_at > now)
        .order_by(SessionRow.id)
        .with_for_update()
    )
    return (await session.scalars(statement)).all()


async def refresh_token(session: AsyncSession, token_id: str) -> RefreshTokenRow | None:
    """Find a refresh token, as it is in the database now.

    Args:
        session: The unit of work.
        token_id: Its id.
    """
    return await session.get(RefreshTokenRow, token_id, populate_existing=True)


async def session_of_access_token(session: AsyncSession, access_token_id: str) -> str | None:
    """Find the session that an access token belongs to.

    Args:
        session: The unit of work.
        access_token_id: Its `jti`.

    Returns:
        The session's id; None when the session has a newer one.
    """
    statement = select(SessionRow.id).where(SessionRow.access_token_id == access_token_id)
    return (await session.scalars(statement)).one_or_none()


async def forget_old_sessions(session: AsyncSession, before: datetime) -> None:
    """Delete the sessions that have been over for long, with their tokens.

    Args:
        session: The unit of work.
        before: Those that expired before this.
    """
    old = select(SessionRow.id).where(SessionRow.expires_at < before)
    await session.execute(delete(RefreshTokenRow).where(RefreshTokenRow.session_id.in_(old)))
    await session.execute(delete(SessionRow).where(SessionRow.expires_at < before))
