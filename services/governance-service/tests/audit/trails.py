"""A trail on a real database, with anchors in a folder, and what an attacker does to both."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from governance_service.audit import AuditEntry, AuditRecord, AuditTrail
from governance_service.audit.anchoring import Anchorer
from governance_service.audit.anchors import AnchorFolder
from governance_service.audit.domain import Verdict, microseconds
from governance_service.audit.storage import ChainStore
from governance_service.audit.verifying import TrailVerifier
from governance_service.keys import SigningKey
from maestro_core_db import Database
from maestro_core_monitoring import MetricsCollector

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = SigningKey.generated(NOW)
SQLITE_TRIGGERS = ("audit_entries_no_update", "audit_entries_no_delete", "audit_entries_no_replace")
POSTGRES_TRIGGERS = ("audit_entries_append_only", "audit_entries_not_emptied")


@dataclass(frozen=True)
class Trail:
    db: Database
    trail: AuditTrail
    store: ChainStore
    anchors: AnchorFolder
    verifier: TrailVerifier
    anchorer: Anchorer

    async def say(self, actor: str = "ada", **fields: str) -> AuditEntry:
        """Append an entry in a unit of work of its own."""
        record = AuditRecord(**{"actor": actor, "action": "user.create", "resource": "user:1", **fields})

        async def work(session: AsyncSession) -> AuditEntry:
            entry = await self.trail.append(session, record)
            await session.commit()
            return entry

        return await self.trail.recorded(work)

    async def verdict(self) -> Verdict:
        return await self.verifier.verify()

    async def disarm(self) -> None:
        """Drop the triggers, as somebody who owns the tables can."""
        if self.db.kind == "sqlite":
            await self.run(*(f"DROP TRIGGER {name}" for name in SQLITE_TRIGGERS))
        else:
            await self.run(*(f"DROP TRIGGER {name} ON audit_entries" for name in POSTGRES_TRIGGERS))

    async def run(self, *statements: str) -> None:
        """Run statements, past the service."""
        async with self.db.transaction() as session:
            connection = await session.connection()
            for statement in statements:
                await connection.exec_driver_sql(statement)
            await session.commit()


@asynccontextmanager
async def opened(db: Database, folder: Path) -> AsyncIterator[Trail]:
    """Open a trail as the service does."""
    store = ChainStore(db)
    head = await store.begin()
    anchors = AnchorFolder(folder, KEY)
    found = anchors.read()
    if not found and head.position == 0:
        anchors.extend(log_id=head.log_id, position=0, entry_hash=head.hash, time_us=microseconds(NOW))
    anchored = max((one.position for one in found), default=0)
    anchorer = Anchorer(anchors, head.log_id, anchored=anchored, clock=lambda: datetime.now(UTC))
    metrics = MetricsCollector("governance-service")
    async with anchorer.at_work():
        trail = AuditTrail(db, store, anchorer, clock=lambda: datetime.now(UTC), metrics=metrics)
        verifier = TrailVerifier(store, anchors, lambda: {"keys": [KEY.jwk()]}, metrics)
        yield Trail(db, trail, store, anchors, verifier, anchorer)


def copied(folder: Path, copy: Path) -> Path:
    """Copy a folder."""
    shutil.copytree(folder, copy)
    return copy
