"""Opens the audit trail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from governance_service.clock import Clock
from governance_service.keys import KeyFolder, KeyRing, Rotation
from maestro_core_api import MaestroAPI
from maestro_core_db import Database

from .anchoring import Anchorer
from .anchors import AnchorFolder
from .announcing import Announcer
from .config import AuditSettings
from .domain import Checkpoint, NoCheckpointError, microseconds
from .export import TrailExport
from .storage import ChainStore, Head
from .trail import AuditTrail
from .verifying import TrailVerifier

_FOR_EVER: Final = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit trail and what can be done with it."""

    trail: AuditTrail
    """Appends, in the unit of work of whoever does something."""
    store: ChainStore
    """Reads."""
    verifier: TrailVerifier
    export: TrailExport
    announcer: Announcer
    """Tells the newest checkpoint to others."""
    jwks: "_Published"
    """The public keys of its checkpoints."""


@dataclass(frozen=True, slots=True)
class _Published:
    keys: tuple[dict[str, str], ...]

    def __call__(self) -> dict[str, Any]:
        return {"keys": list(self.keys)}


@asynccontextmanager
async def open_audit(config: AuditSettings, db: Database, clock: Clock, app: MaestroAPI) -> AsyncIterator[Audit]:
    """Open the trail while a block runs.

    Args:
        config: Its settings.
        db: The database, migrated.
        clock: Gives the present.
        app: The application, for metrics and health.

    Yields:
        The trail.

    Raises:
        KeysError: The key cannot be read or made.
        AnchorError: The folder of checkpoints cannot be used.
        DatabaseError: The chain cannot be read.
    """
    ring = _ring(KeyFolder(config.audit_keys), clock)
    jwks = _Published(tuple(key.jwk() for key in ring.keys))
    anchors = AnchorFolder(config.audit_anchors, ring.signing(clock()))
    store = ChainStore(db)
    chain = await store.begin()
    anchored = await asyncio.to_thread(_begin_anchors, anchors, chain, microseconds(clock()))
    anchorer = Anchorer(anchors, chain.log_id, anchored=anchored, clock=clock)
    verifier = TrailVerifier(store, anchors, jwks, app.metrics)
    app.metrics.gauge(
        "governance_audit_unanchored", "Entries of the audit trail that are committed and not signed for yet."
    ).set_function(lambda: anchorer.unanchored)
    app.health.add("audit-anchors", _health(anchorer))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(anchorer.at_work())
        head = await store.head()
        # What was committed and not signed for when the service last stopped.
        anchorer.note(head.position, head.hash)
        await stack.enter_async_context(verifier.at_work(timedelta(seconds=config.audit_verify_interval_s)))
        announcer = Announcer(anchorer, interval=timedelta(seconds=config.audit_announce_interval_s))
        await stack.enter_async_context(announcer.at_work())
        yield Audit(
            trail=AuditTrail(db, store, anchorer, clock=clock, metrics=app.metrics),
            store=store,
            verifier=verifier,
            export=TrailExport(store, anchors, jwks, clock=clock),
            announcer=announcer,
            jwks=jwks,
        )


def _ring(folder: KeyFolder, clock: Clock) -> KeyRing:
    # One key for ever: what it signed must be believed as long as the trail is kept.
    rotation = Rotation(every=_FOR_EVER, announced=timedelta(0), believed=_FOR_EVER)
    with folder.locked():
        ring = KeyRing(folder.load(), rotation)
        first = ring.next_key(clock())
        if first is not None:
            folder.keep(first)
            ring = KeyRing([first], rotation)
    return ring


def _begin_anchors(anchors: AnchorFolder, chain: Head, time_us: int) -> int:
    """Sign for an empty chain when there is nothing yet; return the position that is signed for."""
    try:
        found: list[Checkpoint] = anchors.read()
    except NoCheckpointError:
        return 0  # verification names it
    if not found and chain.position == 0:
        anchors.extend(log_id=chain.log_id, position=0, entry_hash=chain.hash, time_us=time_us)
    return max((one.position for one in found if one.log_id == chain.log_id), default=0)


def _health(anchorer: Anchorer) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        if anchorer.failure is not None:
            raise anchorer.failure

    return check
