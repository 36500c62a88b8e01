"""Stored payloads that no event ever referred to: a process died after it had stored them and before it had said so."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

from maestro_workflow_engine._errors import JournalError
from maestro_workflow_engine._payload_errors import PayloadStoreError
from maestro_workflow_engine._payload_store import PayloadStore
from maestro_workflow_engine.embedded import _schema
from maestro_workflow_engine.embedded._lock import JournalLock


async def orphaned_payloads(path: Path | str, store: PayloadStore | str) -> list[str]:
    """List the objects of a payload store that a closed journal neither refers to nor is about to delete. Nothing is changed.

    Args:
        path: The journal's file. No engine may have it open: what that is storing would look like an orphan.
        store: The journal's payload store.

    Returns:
        Digests, sorted.

    Raises:
        JournalLockedError: An engine has the journal open.
        JournalError: It cannot be read, or an older release wrote it.
        PayloadStoreError: The store cannot be reached, or other journals use it, whose payloads cannot be told from orphans.
    """
    path = Path(path)
    store = PayloadStore(store) if isinstance(store, str) else store
    if not await asyncio.to_thread(path.is_file):
        raise JournalError(path, f"there is no journal {path}")
    lock = JournalLock(str(path))
    lock.acquire()
    try:
        journal_id, known = await asyncio.to_thread(_known, path)
        others = await store.users_besides(journal_id)
        if others:
            raise PayloadStoreError(
                store.url,
                f"payload store {store.url} is used by {len(others)} other journals: their payloads cannot be told from orphans",
            )
        return sorted(set(await store.objects()) - known)
    finally:
        lock.release()


def _known(path: Path) -> tuple[str, set[str]]:
    with closing(_schema.connect(str(path), read_only=True)) as connection:
        if connection.execute("PRAGMA user_version").fetchone()[0] < _schema.FORMAT_VERSION:
            raise JournalError(path, f"journal {path} is of an older release: let an engine of this one open it first")
        (journal_id,) = connection.execute("SELECT value FROM facts WHERE name = 'journal_id'").fetchone()
        listed = connection.execute("SELECT sha256 FROM payload_refs UNION SELECT sha256 FROM payload_garbage")
        return str(journal_id), {sha256 for (sha256,) in listed}
