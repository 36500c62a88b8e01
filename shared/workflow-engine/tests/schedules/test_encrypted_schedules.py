"""What users say to schedules, through a codec."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    AesGcmCodec,
    IntervalSpec,
    PayloadCodec,
    PayloadKeyError,
    TimeSkippingEngine,
    WorkflowEngine,
    workflow,
)

OLD = AesGcmCodec({"old": b"o" * 32}, active="old")
NEW = AesGcmCodec({"new": b"n" * 32}, active="new")
HOURLY = IntervalSpec(timedelta(hours=1))


@workflow
async def echo(value: str) -> str:
    return value


def engine(folder: Path, codec: PayloadCodec | None) -> TimeSkippingEngine:
    return WorkflowEngine.test([echo], url=f"sqlite:///{folder}/journal.db", codec=codec)


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_input_and_note_are_unreadable_in_the_file_and_readable_through_the_engine(tmp_path: Path):
    """Nothing that a user says to a schedule is in the file in the clear; after a restart all of it is there."""
    async with engine(tmp_path, OLD) as opened:
        schedule = await opened.schedule("s", echo, "secret-input", spec=HOURLY)
        await schedule.pause("secret-note")
        live = bytes_of(tmp_path)
    for kept in (live, bytes_of(tmp_path)):
        assert b"secret" not in kept
        assert b'"$maestro.enc":"old"' in kept
    async with engine(tmp_path, OLD) as opened:
        schedule = opened.schedule_handle("s")
        found = await schedule.describe()
        assert (found.input, found.note, found.problem) == ("secret-input", "secret-note", None)
        await schedule.resume()
        run = await schedule.trigger()
        assert await run.result() == "secret-input"


async def test_a_schedule_whose_key_is_missing_says_so_and_can_still_be_changed(tmp_path: Path):
    """It starts nothing; it can be paused, and defined anew under a key that is there."""
    async with engine(tmp_path, OLD) as opened:
        await opened.schedule("s", echo, "secret", spec=HOURLY)
    async with engine(tmp_path, NEW) as opened:
        schedule = opened.schedule_handle("s")
        found = await schedule.describe()
        assert found.input is None
        assert found.problem is not None
        assert "'old'" in found.problem
        with pytest.raises(PayloadKeyError):
            await schedule.trigger()
        await opened.time.sleep(timedelta(hours=2))
        assert (await opened.runs()).runs == []
        await schedule.pause("wait")
        await opened.schedule("s", echo, "again", spec=HOURLY)
        await schedule.resume()
        await opened.time.sleep(timedelta(hours=1))
        (run,) = (await opened.runs()).runs
        assert await opened.handle(run.id).result() == "again"


@pytest.mark.parametrize("codec", [None, OLD], ids=["plain", "encrypted"])
@pytest.mark.parametrize("note", ["", 'say "no"', '{"$maestro.enc":"old","data":""}', '{"$maestro.esc":1}'])
async def test_a_note_comes_back_as_it_was_given(tmp_path: Path, note: str, codec: PayloadCodec | None):
    """Also one that has the form of the journal's own tags."""
    async with engine(tmp_path, codec) as opened:
        await (await opened.schedule("s", echo, note, spec=HOURLY)).pause(note)
    async with engine(tmp_path, codec) as opened:
        found = await opened.schedule_handle("s").describe()
        assert (found.note, found.input) == (note, note)


async def test_a_schedule_written_before_there_was_a_codec_is_read(tmp_path: Path):
    """Plain settings stay readable once the engine has a codec."""
    async with engine(tmp_path, None) as opened:
        await (await opened.schedule("s", echo, "plain", spec=HOURLY)).pause("note")
    async with engine(tmp_path, OLD) as opened:
        found = await opened.schedule_handle("s").describe()
        assert (found.input, found.note) == ("plain", "note")
