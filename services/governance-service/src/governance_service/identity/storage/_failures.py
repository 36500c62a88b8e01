"""Failed attempts to sign in, in the database."""

import hashlib
import hmac
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.identity.domain import ADDRESS, USER, USER_FROM_ADDRESS, Pauses, TooManyAttemptsError
from governance_service.identity.tables import FailureRow, KnownAddressRow

_KNOWN_FOR: Final = timedelta(days=90)


class Attempts:
    """Counts attempts for one user from one address.

    Args:
        name: The user's name, whether there is such a user or not.
        address: The caller's address.
        pepper: Key of the hashes that rows are found by: the table tells nobody who tried whom.
    """

    def __init__(self, name: str, address: str, pepper: bytes) -> None:
        def key(*parts: str) -> str:
            return hmac.new(pepper, "\0".join(("attempts", *parts)).encode(), hashlib.sha256).hexdigest()

        place = _network(address)
        self._pair = key("pair", name, place)
        self._address = key("address", place)
        self._user = key("user", name)

    async def begin(self, session: AsyncSession, now: datetime) -> None:
        """Count an attempt as a failure before it is looked at, so that many at once are not all let through.

        Args:
            session: The unit of work.
            now: The present.

        Raises:
            TooManyAttemptsError: It comes too early; nothing was counted.
        """
        rows = await self._rows(session, now)
        waits = [_wait(rows[self._pair], USER_FROM_ADDRESS, now), _wait(rows[self._address], ADDRESS, now)]
        is_known = await session.get(KnownAddressRow, self._pair) is not None
        is_first = rows[self._pair].failures == 0 or now - rows[self._pair].last_at >= USER_FROM_ADDRESS.forgotten_after
        if not is_known and not is_first:
            waits.append(_wait(rows[self._user], USER, now))
        longest = max(waits)
        if longest > timedelta(0):
            raise TooManyAttemptsError(longest)
        for key, pauses in self._counts():
            row = rows[key]
            row.failures = pauses.counted(row.failures, row.last_at if row.failures else None, now)
            row.last_at = now

    async def succeeded(self, session: AsyncSession, now: datetime) -> None:
        """Take back what `begin` counted, and know the address from now on.

        Args:
            session: The unit of work.
            now: The present.
        """
        rows = await self._rows(session, now)
        rows[self._pair].failures = 0
        for key in (self._address, self._user):
            rows[key].failures = max(0, rows[key].failures - 1)
        known = await session.get(KnownAddressRow, self._pair)
        if known is None:
            await session.execute(
                _insert(session, KnownAddressRow).values(key=self._pair, last_at=now).on_conflict_do_nothing()
            )
        else:
            known.last_at = now

    def _counts(self) -> tuple[tuple[str, Pauses], ...]:
        return ((self._pair, USER_FROM_ADDRESS), (self._address, ADDRESS), (self._user, USER))

    async def _rows(self, session: AsyncSession, now: datetime) -> dict[str, FailureRow]:
        keys = sorted(key for key, _ in self._counts())
        empty = [{"key": key, "failures": 0, "last_at": now} for key in keys]
        await session.execute(_insert(session, FailureRow).values(empty).on_conflict_do_nothing())
        # In the order of keys, so that two attempts never hold each other's.
        statement = select(FailureRow).where(FailureRow.key.in_(keys)).order_by(FailureRow.key).with_for_update()
        return {row.key: row for row in (await session.scalars(statement)).all()}


async def forget_old_attempts(session: AsyncSession, now: datetime) -> None:
    """Delete what counts no more.

    Args:
        session: The unit of work.
        now: The present.
    """
    longest = max(pauses.forgotten_after for pauses in (ADDRESS, USER, USER_FROM_ADDRESS))
    await session.execute(delete(FailureRow).where(FailureRow.last_at < now - longest))
    await session.execute(delete(KnownAddressRow).where(KnownAddressRow.last_at < now - _KNOWN_FOR))


def _network(address: str) -> str:
    """Return what counts as one address: of IPv6 the /64 network, of which one caller has every address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def _wait(row: FailureRow, pauses: Pauses, now: datetime) -> timedelta:
    return pauses.wait(row.failures, row.last_at if row.failures else None, now)


def _insert(
    session: AsyncSession, table: type[FailureRow] | type[KnownAddressRow]
) -> sqlite.Insert | postgresql.Insert:
    dialect = session.get_bind().dialect.name
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
