import asyncio
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from trails import KEY, NOW, opened

from governance_service.audit import AuditRecord
from governance_service.audit.anchors import AnchorFolder
from governance_service.audit.domain import AnchorError
from maestro_core_db import Database, RetryPolicy
from maestro_core_db.testing import TemporaryDatabase

RECORD = AuditRecord(actor="ada", action="user.create", resource="user:1")


async def test_appends_at_once_make_one_chain(migrated: Database, tmp_path: Path) -> None:
    """Many at once, of several instances with connections of their own, take turns: no position is left out or taken twice."""
    async with (
        Database.opened(migrated.options) as other,
        opened(migrated, tmp_path) as one,
        opened(other, tmp_path) as two,
    ):
        entries = await asyncio.gather(*((one, two)[number % 2].say(f"user-{number}") for number in range(40)))
        assert sorted(entry.position for entry in entries) == list(range(1, 41))
        verdict = await one.verdict()
        assert verdict.intact, verdict
        assert (verdict.head, verdict.anchored) == (40, 40)


async def test_what_is_rolled_back_is_not_in_the_chain(migrated: Database, tmp_path: Path) -> None:
    """An entry of a unit of work that fails leaves no gap, and is not signed for."""
    async with opened(migrated, tmp_path) as trail:
        await trail.say()
        async with migrated.transaction() as session:
            await trail.trail.append(session, RECORD)

        async def fails(session: AsyncSession) -> None:
            await trail.trail.append(session, RECORD)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await trail.trail.recorded(fails)
        assert (await trail.say()).position == 2
        assert (await trail.verdict()).anchored == 2


async def test_several_entries_of_one_unit_of_work_follow_one_another(migrated: Database, tmp_path: Path) -> None:
    """A unit of work may say several things; all of them are signed for before it is over."""
    async with opened(migrated, tmp_path) as trail:

        async def work(session: AsyncSession) -> list[int]:
            found = [(await trail.trail.append(session, RECORD)).position for _ in range(3)]
            await session.commit()
            return found

        assert await trail.trail.recorded(work) == [1, 2, 3]
        assert (await trail.verdict()).anchored == 3


async def test_what_was_committed_and_not_signed_for_is_signed_for_later(migrated: Database, tmp_path: Path) -> None:
    """A crash between the commit and the checkpoint loses nothing: the next start signs."""
    async with opened(migrated, tmp_path) as trail:
        await trail.say()
        first = trail.anchors.file.read_bytes()
        await trail.say()
    (tmp_path / "checkpoints.jsonl").write_bytes(first)  # as it was between the two
    async with opened(migrated, tmp_path) as trail:
        head = await trail.store.head()
        trail.anchorer.note(head.position, head.hash)
        await trail.anchorer.caught_up(2)
        verdict = await trail.verdict()
        assert (verdict.intact, verdict.anchored) == (True, 2)


async def test_what_is_said_again_is_signed_for_before_it_is_acknowledged(migrated: Database, tmp_path: Path) -> None:
    """An entry whose teller died between the commit and the checkpoint is told again: the answer waits for the signature."""
    record = AuditRecord(actor="ada", action="user.create", resource="user:1", service="orders", entry_id="1")
    async with opened(migrated, tmp_path) as trail:
        async with migrated.transaction() as session:
            await trail.store.append(session, record, NOW)
            await session.commit()

        async def again(session: AsyncSession) -> bool:
            _, is_new = await trail.trail.append_once(session, record)
            await session.commit()
            return is_new

        assert await trail.trail.recorded(again) is False
        assert trail.anchors.read()[-1].position == 1


def test_a_folder_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    """Nothing begins without a place for checkpoints."""
    (tmp_path / "anchors").write_text("in the way")
    with pytest.raises(AnchorError):
        AnchorFolder(tmp_path / "anchors", KEY).extend(log_id="x", position=0, entry_hash="", time_us=0)


async def test_nothing_is_done_unseen(migrated: Database, tmp_path: Path) -> None:
    """While checkpoints cannot be written, the first caller hears that it is not signed for, and further ones change nothing."""
    async with opened(migrated, tmp_path / "anchors") as trail:
        await trail.say()
        file = trail.anchors.file
        kept = file.read_bytes()
        file.unlink()
        file.mkdir()  # nobody, not even root, can append to a folder
        with pytest.raises(AnchorError):
            await trail.say()
        with pytest.raises(AnchorError):
            await trail.say()
        assert (await trail.store.head()).position == 2
        file.rmdir()
        file.write_bytes(kept)
        async with asyncio.timeout(30):
            while trail.anchorer.failure is not None:
                await asyncio.sleep(0.01)
        assert (await trail.say()).position == 3
        verdict = await trail.verdict()
        assert (verdict.intact, verdict.anchored) == (True, 3)


async def test_a_conflict_is_done_again(
    temporary_database: TemporaryDatabase, migrated: Database, tmp_path: Path
) -> None:
    """Under serializable isolation appends that meet are done again, and each entry is there once."""
    async with opened(migrated, tmp_path) as trail:

        async def work(session: AsyncSession) -> int:
            entry = await trail.trail.append(session, RECORD)
            await session.commit()
            return entry.position

        patient = RetryPolicy(max_attempts=100)
        runs = (migrated.retrying(work, isolation="serializable", policy=patient) for _ in range(12))
        positions = await asyncio.gather(*runs)
        assert sorted(positions) == list(range(1, 13))
        await trail.anchorer.caught_up(12)
        assert (await trail.verdict()).intact
