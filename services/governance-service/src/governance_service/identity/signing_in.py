"""Signing in with a name and a password."""

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.audit import AuditRecord, AuditTrail
from governance_service.clock import Clock
from maestro_core_db import Database

from .config import IdentitySettings
from .domain import (
    CredentialsRefusedError,
    InvalidIdentityError,
    PasswordChangeRequiredError,
    check_password,
    checked_name,
)
from .hashing import PasswordHashes
from .sessions import Sessions, Tokens
from .storage import Attempts, forget_old_attempts, user_row
from .tables import UserRow


class SigningIn:
    """Lets users in.

    A name that nobody has, a wrong password, a user who is disabled and one without a password take the same way, the same time
    and the same answer.

    Args:
        config: What passwords must be.
        db: The database.
        trail: Hears of attempts.
        hashes: Compares passwords.
        sessions: Begins sessions.
        clock: Gives the present.
        pepper: Key of the hashes that attempts are counted by.
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
        pepper: bytes,
    ) -> None:
        self._config = config
        self._db = db
        self._trail = trail
        self._hashes = hashes
        self._sessions = sessions
        self._clock = clock
        self._pepper = pepper

    async def sign_in(self, name: str, password: str, *, address: str) -> Tokens:
        """Begin a session.

        Args:
            name: The user's name, as it was typed.
            password: The password.
            address: Where the attempt comes from.

        Returns:
            The session's tokens.

        Raises:
            TooManyAttemptsError: It comes too early after others that failed.
            CredentialsRefusedError: They do not belong together.
            PasswordChangeRequiredError: They do, and the password must be changed.
        """
        user, attempts = await self._proven(name, password, address)
        if user.must_change_password:
            raise PasswordChangeRequiredError
        assert user.password_hash is not None
        fresh = await self._hashes.hashed(password) if self._hashes.is_outdated(user.password_hash) else None

        async def work(session: AsyncSession) -> Tokens:
            row = await self._still(session, user)
            if fresh is not None:
                row.password_hash = fresh
            await attempts.succeeded(session, self._clock())
            tokens = await self._sessions.begin(session, row, method="password")
            await self._trail.append(session, _said(row, "session.begin", {"method": "password"}))
            await session.commit()
            return tokens

        return await self._trail.recorded(work)

    async def change_password(self, name: str, password: str, new: str, *, address: str) -> None:
        """Replace a password by one of the user's own choice, and end all sessions.

        Args:
            name: The user's name, as it was typed.
            password: The password.
            new: The new one.
            address: Where the attempt comes from.

        Raises:
            TooManyAttemptsError: It comes too early after others that failed.
            CredentialsRefusedError: Name and password do not belong together.
            InvalidIdentityError: The new one would be guessed, or is the old one.
        """
        check_password(new, shortest=self._config.password_min_length, names=name.split("@"))
        if new == password:
            raise InvalidIdentityError({"new_password": "must be another one"})
        user, attempts = await self._proven(name, password, address)
        fresh = await self._hashes.hashed(new)

        async def work(session: AsyncSession) -> Callable[[], None]:
            row = await self._still(session, user)
            row.password_hash, row.password_changed_at, row.must_change_password = fresh, self._clock(), False
            await attempts.succeeded(session, self._clock())
            ended = await self._sessions.end_all(session, row, because="password-changed")
            await self._trail.append(session, _said(row, "user.change-password", {"sessions_ended": len(ended)}))
            await session.commit()
            return lambda: self._sessions.refuse(ended)

        (await self._trail.recorded(work))()

    async def forget_old_attempts(self) -> None:
        """Delete counts of attempts that count no more."""

        async def work(session: AsyncSession) -> None:
            await forget_old_attempts(session, self._clock())
            await session.commit()

        await self._db.retrying(work)

    async def _proven(self, name: str, password: str, address: str) -> tuple[UserRow, Attempts]:
        try:
            spelt = checked_name(name)
        except InvalidIdentityError:
            spelt = ""
        attempts = Attempts(spelt or name[:256], address, self._pepper)

        async def begin(session: AsyncSession) -> UserRow | None:
            await attempts.begin(session, self._clock())
            found = await user_row(session, spelt)
            await session.commit()
            return found

        # Outside of any unit of work: a hash takes a tenth of a second, and on SQLite nobody else could write meanwhile.
        user = await self._db.retrying(begin)
        matches = await self._hashes.matches(None if user is None else user.password_hash, password)
        if user is None or user.disabled_at is not None or not matches:
            await self._refuse(user)
        assert user is not None
        return user, attempts

    async def _still(self, session: AsyncSession, proven: UserRow) -> UserRow:
        # While the password was being compared, the user may have been disabled, or the password changed.
        row = await user_row(session, proven.name, locked=True)
        if row is None or row.disabled_at is not None or row.password_changed_at != proven.password_changed_at:
            raise CredentialsRefusedError
        return row

    async def _refuse(self, user: UserRow | None) -> None:
        # A name that nobody has is not written down: people type their password there.
        actor = "unknown" if user is None else user.name
        tenant = None if user is None else user.tenant
        said = AuditRecord(actor=actor, action="session.begin", resource="session", outcome="denied", tenant=tenant)

        async def work(session: AsyncSession) -> None:
            await self._trail.append(session, said)
            await session.commit()

        await self._trail.recorded(work)
        raise CredentialsRefusedError


def _said(user: UserRow, action: str, details: dict[str, object]) -> AuditRecord:
    return AuditRecord(
        actor=user.name, action=action, resource=f"user:{user.name}", tenant=user.tenant, details=details
    )
