from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError
from trails import opened

from governance_service.audit.domain import GENESIS
from maestro_core_db import Database, DatabaseError

COPY = """
INSERT INTO audit_entries (position, entry_id, time_us, occurred_us, service, actor, action, resource, outcome, tenant, trace_id,
details_json, previous_hash, hash) SELECT {position}, entry_id || 'x', time_us, occurred_us, service, actor, action, resource, outcome,
tenant, trace_id, details_json, previous_hash, hash FROM audit_entries WHERE position = {of}
"""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor = 'eve' WHERE position = 1",
        "UPDATE audit_entries SET position = 7 WHERE position = 1",
        "DELETE FROM audit_entries WHERE position = 3",
        "DELETE FROM audit_entries",
    ],
)
async def test_the_database_itself_refuses_changes(migrated: Database, tmp_path: Path, statement: str) -> None:
    """An UPDATE or DELETE by whoever uses the service's own connection is refused, and the trail is intact."""
    async with opened(migrated, tmp_path) as trail:
        for _ in range(3):
            await trail.say()
        with pytest.raises((DBAPIError, DatabaseError), match="append-only"):
            await trail.run(statement)
        assert (await trail.verdict()).intact


async def test_an_entry_cannot_be_replaced_or_the_table_emptied(migrated: Database, tmp_path: Path) -> None:
    """Ways around the triggers for UPDATE and DELETE are closed too: INSERT OR REPLACE, TRUNCATE."""
    async with opened(migrated, tmp_path) as trail:
        for _ in range(3):
            await trail.say()
        if migrated.kind == "sqlite":
            other = COPY.format(position=2, of=1).replace("INSERT INTO", "INSERT OR REPLACE INTO")
        else:
            other = "TRUNCATE audit_entries"
        with pytest.raises((DBAPIError, DatabaseError), match="append-only"):
            await trail.run(other)
        assert (await trail.verdict()).intact


TAMPERING = {
    "edit": (["UPDATE audit_entries SET actor = 'eve' WHERE position = 3"], "entry-changed", 3),
    "edit-details": (["UPDATE audit_entries SET details_json = '{\"n\":1}' WHERE position = 3"], "entry-changed", 3),
    "edit-tenant": (["UPDATE audit_entries SET tenant = 'acme' WHERE position = 3"], "entry-changed", 3),
    "delete": (["DELETE FROM audit_entries WHERE position = 3"], "entry-missing", 3),
    "delete-first": (["DELETE FROM audit_entries WHERE position = 1"], "entry-missing", 1),
    "delete-last": (["DELETE FROM audit_entries WHERE position = 5"], "entries-cut-off", 5),
    "cut": (["DELETE FROM audit_entries WHERE position >= 3"], "entries-cut-off", 3),
    "empty": (["DELETE FROM audit_entries"], "entries-cut-off", 1),
    "close-the-gap": (
        [
            "DELETE FROM audit_entries WHERE position = 3",
            "UPDATE audit_entries SET position = 3 WHERE position = 4",
            "UPDATE audit_entries SET position = 4 WHERE position = 5",
        ],
        "entry-changed",
        3,
    ),
    "swap": (
        [
            "UPDATE audit_entries SET position = 99 WHERE position = 2",
            "UPDATE audit_entries SET position = 2 WHERE position = 3",
            "UPDATE audit_entries SET position = 3 WHERE position = 99",
        ],
        "entry-changed",
        2,
    ),
    "insert": ([COPY.format(position=6, of=5)], "entry-changed", 6),
    "new-log": (["UPDATE audit_chain SET log_id = 'mine'"], "other-log", 5),
}


@pytest.mark.parametrize("name", TAMPERING)
async def test_tampering_past_the_triggers_is_found(migrated: Database, tmp_path: Path, name: str) -> None:
    """Whoever owns the tables drops the triggers and changes what they like: it is found, and the first broken entry is named."""
    statements, fault, position = TAMPERING[name]
    async with opened(migrated, tmp_path) as trail:
        for _ in range(5):
            await trail.say()
        assert (await trail.verdict()).intact
        await trail.disarm()
        await trail.run(*statements)
        broken = (await trail.verdict()).broken
        assert broken is not None
        assert (broken.fault, broken.position) == (fault, position), broken


async def test_a_restored_older_copy_is_found(migrated: Database, tmp_path: Path) -> None:
    """The database as it was some entries ago is sound in itself; the anchors tell, also after it has gone on and was started anew."""
    async with opened(migrated, tmp_path) as trail:
        entries = [await trail.say() for _ in range(5)]
        await trail.disarm()
        await trail.run(
            "DELETE FROM audit_entries WHERE position > 3",
            f"UPDATE audit_chain SET position = 3, hash = '{entries[2].hash}'",
        )
    async with opened(migrated, tmp_path) as trail:
        broken = (await trail.verdict()).broken
        assert broken is not None
        assert (broken.fault, broken.position) == ("entries-cut-off", 4)
        for _ in range(4):
            await trail.say("mallory")
        broken = (await trail.verdict()).broken
        assert broken is not None
        assert (broken.fault, broken.position) == ("history-rewritten", 4)


async def test_a_new_chain_in_the_old_ones_place_is_found(migrated: Database, tmp_path: Path) -> None:
    """Emptying everything and beginning anew, or taking the anchors away, is found."""
    async with opened(migrated, tmp_path) as trail:
        for _ in range(3):
            await trail.say()
        await trail.disarm()
        await trail.run("DELETE FROM audit_entries", "DELETE FROM audit_chain")
    async with opened(migrated, tmp_path) as trail:
        await trail.say("mallory")
        broken = (await trail.verdict()).broken
        assert broken is not None
        assert broken.fault == "other-log"
    async with opened(migrated, tmp_path / "elsewhere") as trail:
        broken = (await trail.verdict()).broken
        assert broken is not None
        assert broken.fault == "checkpoints-gone"
        await trail.say("mallory")
        broken = (await trail.verdict()).broken
        assert broken is not None
        assert broken.fault == "checkpoints-gone"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_no_edit_of_the_anchors_goes_unseen(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A byte that is changed anywhere in the file of checkpoints is found, unless it is in the end of a line that was cut off."""
    from maestro_core_db import Migrations

    folder = tmp_path_factory.mktemp("anchors")
    async with Database.opened(folder / "a.db") as db:
        await Migrations("governance_service.migrations").upgrade(db)
        async with opened(db, folder) as trail:
            for _ in range(3):
                await trail.say()
            content = trail.anchors.file.read_bytes()
            at = data.draw(st.integers(0, len(content) - 2))
            other = data.draw(st.integers(32, 126).filter(lambda byte: byte != content[at]))
            trail.anchors.file.write_bytes(content[:at] + bytes([other]) + content[at + 1 :])
            verdict = await trail.verdict()
            assert not verdict.intact
            trail.anchors.file.write_bytes(content[:-1])
            # What a crash leaves of the last line is passed over; the entries behind the line before it are still in the chain.
            assert (await trail.verdict()).intact


async def test_the_first_hash_is_not_a_hash_of_anything(migrated: Database, tmp_path: Path) -> None:
    """The chain begins at a value that no entry can have."""
    async with opened(migrated, tmp_path) as trail:
        assert (await trail.say()).previous_hash == GENESIS
