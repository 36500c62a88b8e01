"""Payloads through a codec: nothing readable in the file, nothing usable elsewhere, keys that change."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import typing
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from maestro_workflow_engine import (
    AesGcmCodec,
    HistoryFormatError,
    PayloadIntegrityError,
    PayloadKeyError,
    RunStatus,
    WorkflowEngine,
    WorkflowFailedError,
    WorkflowTerminatedError,
    continue_as_new,
    on_update,
    publish,
    receive,
    replay,
    rescue_journal,
    run_child,
    step,
    workflow,
)
from maestro_workflow_engine.embedded._sealing import CLEAR
from maestro_workflow_engine.machine import _events as ev

SOON = timedelta(seconds=20)
OLD, NEW = b"o" * 32, b"n" * 32
OCTOBER = AesGcmCodec({"2026-10": OLD}, active="2026-10")
NOVEMBER = AesGcmCodec({"2026-11": NEW, "2026-10": OLD}, active="2026-11")


class DeclinedError(Exception):
    """Has an argument that must not be read."""


@step
async def echo(value: Any) -> Any:
    return value


@step
async def decline(value: str) -> None:
    raise DeclinedError(f"{value}-failure", f"{value}-argument")


@workflow
async def waits(value: Any) -> Any:
    publish("value", value)
    return [await echo(value), await receive("go")]


@workflow
async def fails(value: str) -> None:
    await run_child(waits, f"{value}-child", id="child")
    await decline(value)


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/journal.db"


def engine(folder: Path, codec: AesGcmCodec | None) -> WorkflowEngine:
    return WorkflowEngine(url(folder), workflows=[waits, fails], codec=codec)


def rows(folder: Path, run_id: str) -> dict[int, dict[str, Any]]:
    with closing(sqlite3.connect(folder / "journal.db")) as db:
        found = db.execute("SELECT position, event FROM history JOIN runs ON key = run WHERE id = ?", (run_id,))
        return {position: json.loads(event) for position, event in found}


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def rewrite(folder: Path, run_id: str, position: int, event: dict[str, Any]) -> None:
    with closing(sqlite3.connect(folder / "journal.db")) as db, db:
        sql = "UPDATE history SET event = ? WHERE position = ? AND run = (SELECT key FROM runs WHERE id = ?)"
        changed = db.execute(sql, (msgspec.json.encode(event), position, run_id))
        assert changed.rowcount == 1


async def waiting(engine: WorkflowEngine, run_id: str, value: Any) -> None:
    """Start a run and let it come to its signal."""
    handle = await engine.start(waits, value, id=run_id)
    async with asyncio.timeout(20):
        async for event in engine.watch(handle.id):
            if event.type == "step_completed":
                return


async def test_the_file_holds_no_payload_in_the_clear(tmp_path: Path):
    """Inputs, outputs, signals, failures and reasons are unreadable in the file; the engine shows them all."""
    async with engine(tmp_path, OCTOBER) as opened:
        failing = await opened.start(fails, "secret-a", id="parent")
        while not (await opened.runs(workflow="waits")).runs:
            await asyncio.sleep(0.001)
        child = opened.handle("child")
        await child.signal("go", "secret-signal")
        with pytest.raises(WorkflowFailedError, match="secret-a-failure"):
            await failing.result(SOON)
        await waiting(opened, "cancelled", "secret-b")
        await opened.handle("cancelled").cancel("secret-reason")
        assert await child.result() == ["secret-a-child", "secret-signal"]
        assert (await child.status()).input == "secret-a-child"
        detail = await failing.status()
        assert detail.failure is not None
        assert detail.failure.args == ["secret-a-failure", "secret-a-argument"]
        assert "secret-a-failure" in detail.failure.traceback
        history = {event.type: event.data for event in await opened.handle("cancelled").history()}
        assert history["cancel_requested"]["reason"] == "secret-reason"
        live = bytes_of(tmp_path)
    closed = bytes_of(tmp_path)
    for kept in (live, closed):
        assert b"secret" not in kept
        assert b"DeclinedError" not in kept
        assert b'"step":"decline"' in kept
        assert b'{"$maestro.enc":"2026-10"' in kept


async def test_a_journal_goes_from_plain_to_one_key_to_the_next(tmp_path: Path):
    """Old plain payloads and those of the key before are read; what is new is written with the active key."""
    async with engine(tmp_path, None) as opened:
        await waiting(opened, "r", "plain")
    async with engine(tmp_path, OCTOBER) as opened:
        await waiting(opened, "s", "october")
    async with engine(tmp_path, NOVEMBER) as opened:
        for run_id, value in (("r", "plain"), ("s", "october")):
            await opened.handle(run_id).signal("go", "on")
            assert await opened.handle(run_id).result(SOON) == [value, "on"]
    history = rows(tmp_path, "s").values()
    payloads = [event[field] for event in history for field in ("input", "payload", "output") if field in event]
    assert [payload["$maestro.enc"] for payload in payloads] == ["2026-10"] * 3 + ["2026-11"] * 2
    assert "$maestro.enc" not in str(rows(tmp_path, "r")[0])


@pytest.mark.parametrize(
    "codec", [None, AesGcmCodec({"2026-11": NEW}, active="2026-11")], ids=["no codec", "other keys"]
)
async def test_a_missing_key_is_named_and_nothing_is_lost(tmp_path: Path, codec: AesGcmCodec | None):
    """Without its key a run stands still and says why; signals are taken; with the key it goes on."""
    async with engine(tmp_path, OCTOBER) as opened:
        await waiting(opened, "r", "kept")
        await waiting(opened, "done", "kept")
        await opened.handle("done").signal("go", "x")
        await opened.handle("done").result(SOON)
    async with engine(tmp_path, codec) as opened:
        handle = opened.handle("r")
        await handle.signal("go", "meanwhile")
        for run_id, status in (("r", RunStatus.RUNNING), ("done", RunStatus.COMPLETED)):
            detail = await opened.handle(run_id).status()
            assert detail.status is status
            assert detail.input is None
            assert detail.problem is not None
            assert "'2026-10'" in detail.problem
            assert repr(run_id) in detail.problem
        with pytest.raises(PayloadKeyError) as caught:
            await opened.handle("done").result(SOON)
        assert (caught.value.key_id, caught.value.run_id) == ("2026-10", "done")
        with pytest.raises(PayloadKeyError):
            await handle.history()
    async with engine(tmp_path, NOVEMBER) as opened:
        assert await opened.handle("r").result(SOON) == ["kept", "meanwhile"]
        assert (await opened.handle("done").status()).problem is None


@pytest.mark.parametrize(("source", "place"), [("b", 1), ("a", 0)], ids=["another run", "another event of the run"])
async def test_a_payload_moved_to_another_place_is_detected(tmp_path: Path, source: str, place: int):
    """Whoever can write the file cannot make one payload pass for another: the run stops instead."""
    async with engine(tmp_path, OCTOBER) as opened:
        await waiting(opened, "a", {"amount": 1})
        await waiting(opened, "b", {"amount": 1000})
    stolen = rows(tmp_path, source)[place]
    target = rows(tmp_path, "a")[1]
    rewrite(tmp_path, "a", 1, {**target, "input": stolen["input"]})
    async with engine(tmp_path, OCTOBER) as opened:
        with pytest.raises(PayloadIntegrityError, match="event 1, input") as caught:
            await opened.handle("a").history()
        assert caught.value.run_id == "a"
        await opened.handle("a").signal("go", None)
        problem = (await opened.handle("a").status()).problem
        assert problem is not None
        assert "event 1, input" in problem
        await opened.handle("b").signal("go", None)
        assert await opened.handle("b").result(SOON) == [{"amount": 1000}, None]


async def test_a_payload_moved_to_another_field_is_detected(tmp_path: Path):
    """A step's input is no output, although both stand in one event."""
    async with engine(tmp_path, OCTOBER) as opened:
        await waiting(opened, "a", 1)
    event = rows(tmp_path, "a")[1]
    rewrite(tmp_path, "a", 1, {**event, "output": event["input"]})
    async with engine(tmp_path, OCTOBER) as opened:
        with pytest.raises(PayloadIntegrityError, match="event 1, output"):
            await opened.handle("a").history()


@pytest.mark.parametrize(
    "forged",
    [
        {"$maestro.enc": "2026-11"},
        {"$maestro.enc": 7, "data": ""},
        {"$maestro.enc": "2026-10", "data": "?"},
        {"$maestro.enc": "2026-10", "data": "AAAA"},
        {"$maestro.ref": {}},
        {"$maestro.later": 1},
    ],
    ids=str,
)
async def test_a_damaged_tag_is_an_error_of_its_run_alone(tmp_path: Path, forged: dict[str, Any]):
    """Nonsense in the place of a payload stops the run that has it, and no other."""
    async with engine(tmp_path, NOVEMBER) as opened:
        await waiting(opened, "a", 1)
        await waiting(opened, "b", 2)
    rewrite(tmp_path, "a", 1, {**rows(tmp_path, "a")[1], "output": forged})
    async with engine(tmp_path, NOVEMBER) as opened:
        with pytest.raises(PayloadIntegrityError):
            await opened.handle("a").history()
        await opened.handle("b").signal("go", None)
        assert await opened.handle("b").result(SOON) == [2, None]


def test_every_field_of_every_event_is_a_payload_or_named_as_clear():
    """A field that is added to an event is sealed unless somebody decides that it may be read."""
    sealed = {
        field.encode_name
        for event in typing.get_args(ev.Event)
        for field in msgspec.structs.fields(event)
        if field.encode_name not in CLEAR
    }
    assert sealed == {"event", "failure", "input", "output", "payload", "reason"}


def test_the_key_id_is_authenticated():
    """A ciphertext does not pass under another id, not even when both ids have one key."""
    codec = AesGcmCodec({"a": NEW, "b": NEW}, active="a")
    kept = codec.encode(b"payload", b"place")
    assert codec.decode(kept, b"place", "a") == b"payload"
    with pytest.raises(PayloadIntegrityError):
        codec.decode(kept, b"place", "b")


def test_equal_payloads_look_different():
    """Each payload has a nonce of its own, so that equal ones cannot be told from the file."""
    kept = {OCTOBER.encode(b"payload", b"place") for _ in range(100)}
    assert len({each[:12] for each in kept}) == 100
    assert len({each[12:] for each in kept}) == 100


def test_a_codec_takes_sound_keys_and_shows_none():
    """Keys are 32 bytes, the active one is there, and `repr` has ids only."""
    for keys, active in (
        ({}, "a"),
        ({"a": b"short"}, "a"),
        ({"": NEW}, ""),
        ({"a\0b": NEW}, "a\0b"),
        ({"a": NEW}, "b"),
    ):
        with pytest.raises(ValueError, match="key"):
            AesGcmCodec(keys, active=active)
    assert repr(NOVEMBER) == "AesGcmCodec(keys=['2026-10', '2026-11'], active='2026-11')"


@step
async def flaky(value: str) -> str:
    if not FLAKY.pop("may pass", False):
        raise DeclinedError(f"{value}-failure")
    return f"{value}-passed"


@workflow
async def redone(value: str) -> list[str]:
    first = await echo(value)
    return [first, await flaky(value)]


@workflow
async def asked(value: str) -> Any:
    async def doubled(payload: str) -> str:
        if payload.endswith("-refused"):
            raise DeclinedError(f"{payload}-why")
        return f"{payload}-answer"

    on_update("double", doubled, type=str)
    return [value, await receive("go")]


@workflow
async def twice(value: str, left: int) -> str:
    if left:
        continue_as_new(f"{value}-again", left - 1)
    return str(await receive("go")) + value


FLAKY: dict[str, bool] = {}
ALL = [waits, fails, redone, asked, twice]


def engine_of_all(folder: Path, **options: Any) -> WorkflowEngine:
    return WorkflowEngine(url(folder), workflows=ALL, codec=OCTOBER, **options)


@pytest.fixture(params=["journal", "store"])
def options(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Payloads in the journal, and all of them in a store."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    return {} if request.param == "journal" else {"payload_store": f"file://{tmp_path}/store", "payload_limit_bytes": 1}


def no_plaintext_in(*folders: Path) -> None:
    for folder in folders:
        for path in folder.rglob("*"):
            assert path.is_dir() or b"secret" not in path.read_bytes()


async def test_a_fork_of_an_encrypted_run_is_sealed_for_its_own_id(tmp_path: Path, options: dict[str, Any]):
    """What a fork takes over is readable under its id, after a restart too, and nowhere in the clear."""
    FLAKY.clear()
    async with engine_of_all(tmp_path / "a", **options) as opened:
        with pytest.raises(WorkflowFailedError, match="secret-failure"):
            await (await opened.start(redone, "secret", id="r")).result(SOON)
        FLAKY["may pass"] = True
        fork = await opened.fork("r", step=2, id="f")
        assert await fork.result(SOON) == ["secret", "secret-passed"]
        no_plaintext_in(tmp_path)
    async with engine_of_all(tmp_path / "a", **options) as opened:
        history = await opened.handle("f").history()
        assert [event.data["output"] for event in history if event.type == "step_completed"] == [
            "secret",
            "secret-passed",
        ]
        with pytest.raises(WorkflowFailedError, match="secret-failure"):
            await opened.handle("r").result(SOON)
    no_plaintext_in(tmp_path)


async def test_an_imported_run_is_sealed_for_its_new_journal(tmp_path: Path, options: dict[str, Any]):
    """An export is plain; the run that is made of it, under another id, is not."""
    async with engine_of_all(tmp_path / "a", **options) as opened:
        await waiting(opened, "r", "secret")
        document = await opened.handle("r").export_history()
    assert "secret" in json.dumps(document)
    async with engine_of_all(tmp_path / "b", **options) as opened:
        handle = await opened.import_run(document, id="other")
        await handle.signal("go", "secret-b")
        assert await handle.result(SOON) == ["secret", "secret-b"]
    no_plaintext_in(tmp_path)


async def test_a_rescued_run_stays_sealed_until_it_is_imported(tmp_path: Path, options: dict[str, Any]):
    """A sound encrypted journal has no losses; an engine that has the key takes the run over."""
    async with engine_of_all(tmp_path / "a", **options) as opened:
        await waiting(opened, "r", "secret")
        failing = await opened.start(redone, "secret", id="failed")
        with pytest.raises(WorkflowFailedError):
            await failing.result(SOON)
    with rescue_journal(tmp_path / "a" / "journal.db") as rescue:
        documents = {document["run_id"]: document for document in rescue.runs()}
    assert not rescue.report.losses
    assert "secret" not in json.dumps(documents)
    with pytest.raises(HistoryFormatError, match="sealed"):
        replay(documents["r"], waits)
    async with engine_of_all(tmp_path / "b", **options) as opened:
        handle = await opened.import_run(documents["r"], id="other")
        await handle.signal("go", 1)
        assert await handle.result(SOON) == ["secret", 1]
        with pytest.raises(WorkflowFailedError, match="secret-failure"):
            await (await opened.import_run(documents["failed"])).result(SOON)
    no_plaintext_in(tmp_path)


async def test_an_encrypted_run_is_retried(tmp_path: Path, options: dict[str, Any]):
    """A retry finds the failed step of an encrypted history and goes on from it."""
    FLAKY.clear()
    async with engine_of_all(tmp_path / "a", **options) as opened:
        handle = await opened.start(redone, "secret", id="r")
        with pytest.raises(WorkflowFailedError, match="secret-failure"):
            await handle.result(SOON)
    async with engine_of_all(tmp_path / "a", **options) as opened:
        FLAKY["may pass"] = True
        await opened.handle("r").retry()
        assert await opened.handle("r").result(SOON) == ["secret", "secret-passed"]
    no_plaintext_in(tmp_path)


async def test_updates_are_sealed_with_their_answers(tmp_path: Path, options: dict[str, Any]):
    """Payload, output and failure of updates are unreadable in the file; asking again gives the same answer."""
    async with engine_of_all(tmp_path / "a", **options) as opened:
        handle = await opened.start(asked, "secret", id="r")
        assert await handle.update("double", "secret-1", id="u1") == "secret-1-answer"
        with pytest.raises(DeclinedError, match="secret-2-refused-why"):
            await handle.update("double", "secret-2-refused", id="u2")
        no_plaintext_in(tmp_path)
    async with engine_of_all(tmp_path / "a", **options) as opened:
        handle = opened.handle("r")
        assert await handle.update("double", "other", id="u1") == "secret-1-answer"
        await handle.signal("go", "secret-3")
        assert await handle.result(SOON) == ["secret", "secret-3"]
        assert b'"update_id":"u1"' in bytes_of(tmp_path / "a")
    no_plaintext_in(tmp_path)


async def test_reasons_and_later_passes_are_sealed(tmp_path: Path, options: dict[str, Any]):
    """Why a run was paused or terminated, and the inputs of `continue_as_new`, are unreadable in the file."""
    async with engine_of_all(tmp_path / "a", **options) as opened:
        handle = await opened.start(twice, "secret", 1, id="r")
        await handle.pause("secret-pause")
    async with engine_of_all(tmp_path / "a", **options) as opened:
        handle = opened.handle("r")
        await handle.resume()
        await handle.signal("go", "")
        assert await handle.result(SOON) == "secret-again"
        await waiting(opened, "t", "secret")
        await opened.handle("t").pause("secret-pause")
        await opened.handle("t").terminate("secret-end")
        with pytest.raises(WorkflowTerminatedError, match="secret-end"):
            await opened.handle("t").result(SOON)
        history = {event.type: event.data for event in await opened.handle("t").history()}
        assert history["run_paused"]["reason"] == "secret-pause"
    no_plaintext_in(tmp_path)


async def test_time_skipping_waits_for_payloads_on_their_way(tmp_path: Path, options: dict[str, Any]):
    """An engine for tests takes codec and store; virtual time stands still while payloads are stored."""
    async with WorkflowEngine.test(ALL, url=url(tmp_path / "a"), codec=OCTOBER, **options) as opened:
        handle = await opened.start(waits, "secret")
        await handle.signal("go", "on")
        assert await handle.result(SOON) == ["secret", "on"]
    no_plaintext_in(tmp_path)
