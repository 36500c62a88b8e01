"""The audit trail, as the service's other subjects use it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeVar

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from governance_service.clock import Clock
from maestro_core_db import Database
from maestro_core_monitoring import MetricsCollector, current_trace_id

from .anchoring import Anchorer
from .domain import AuditEntry, AuditRecord, check
from .storage import ChainStore

_T = TypeVar("_T")
_APPENDED: Final = "audit_appended"
_COMMITTED: Final = "audit_committed"
_WATCHED: Final = "audit_watched"


class AuditTrail:
    """Appends to the trail in the caller's own unit of work: what is done and what is said of it are in the database both, or neither.

    Args:
        db: The database.
        store: The chain.
        anchorer: Signs for what was committed.
        clock: Gives the present.
        metrics: Where entries are counted.
    """

    def __init__(
        self, db: Database, store: ChainStore, anchorer: Anchorer, *, clock: Clock, metrics: MetricsCollector
    ) -> None:
        self._db = db
        self._store = store
        self._anchorer = anchorer
        self._clock = clock
        self._entries = metrics.counter(
            "governance_audit_entries_total", "Entries of the audit trail, by the service that told them.", ("service",)
        )

    async def append(self, session: AsyncSession, record: AuditRecord) -> AuditEntry:
        """Say something in a unit of work. Appends take turns until theirs ends, so let this be one of its last statements.

        Args:
            session: The unit of work.
            record: What to say. Its trace is the current one unless it names another.

        Returns:
            The entry. An `entry_id` that the service used before gives the entry that has it.

        Raises:
            InvalidRecordError: It cannot be kept as it is.
            EntryDiffersError: The id was used for something else.
            AnchorError: The trail cannot be signed for at the moment, and nothing must be done unseen.
        """
        return (await self.append_once(session, record))[0]

    async def append_once(self, session: AsyncSession, record: AuditRecord) -> tuple[AuditEntry, bool]:
        """Say something as `append` does, and tell whether it is new.

        Args:
            session: The unit of work.
            record: What to say.

        Returns:
            The entry, and whether it is new.

        Raises:
            AuditError: As for `append`.
        """
        if record.trace_id is None:
            record = replace(record, trace_id=current_trace_id())
        check(record)
        if self._anchorer.failure is not None:
            raise self._anchorer.failure
        entry, is_new = await self._store.append(session, record, self._clock())
        if is_new:
            self._watch(session.sync_session)
            session.info[_APPENDED] = entry
            self._entries.labels(service=record.service).inc()
        elif _APPENDED not in session.info:
            # Whoever committed it may have died, or not be ready yet, before it was signed for.
            self._anchorer.note(entry.position, entry.hash)
            session.info[_COMMITTED] = max(entry.position, session.info.get(_COMMITTED, 0))
        return entry, is_new

    async def recorded(self, work: Callable[[AsyncSession], Awaitable[_T]]) -> _T:
        """Do a unit of work as `Database.retrying` does, and return once what it appended is signed for.

        Args:
            work: Gets a session, and commits it.

        Returns:
            What `work` returned.

        Raises:
            AnchorError: Its entries are in the chain, and cannot be signed for now.
            DatabaseError: As for `Database.retrying`.
        """

        async def noted(session: AsyncSession) -> tuple[_T, int]:
            done = await work(session)
            return done, session.info.get(_COMMITTED, 0)

        done, position = await self._db.retrying(noted)
        await self._anchorer.caught_up(position)
        return done

    def _watch(self, session: Session) -> None:
        if not session.info.get(_WATCHED):
            session.info[_WATCHED] = True
            event.listen(session, "after_commit", self._after_commit)
            event.listen(session, "after_rollback", _after_rollback)

    def _after_commit(self, session: Session) -> None:
        entry = session.info.pop(_APPENDED, None)
        if entry is not None:
            session.info[_COMMITTED] = entry.position
            self._anchorer.note(entry.position, entry.hash)


def _after_rollback(session: Session) -> None:
    session.info.pop(_APPENDED, None)
