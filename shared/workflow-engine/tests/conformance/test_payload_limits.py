"""Payloads that are too large, and payloads that cannot be read back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import (
    AesGcmCodec,
    IntervalSpec,
    PayloadError,
    PayloadIntegrityError,
    PayloadKeyError,
    PayloadMissingError,
    WorkflowNotFoundError,
    on_update,
    publish,
    receive,
    step,
    workflow,
)

pytestmark = pytest.mark.capability("payload-store")

SOON = timedelta(seconds=30)
LIMIT, MOST = 1000, 64 * 1024
BIG, TOO_BIG = "0123456789" * 1000, "x" * MOST
OLD, NEW = AesGcmCodec({"old": b"o" * 32}, active="old"), AesGcmCodec({"new": b"n" * 32}, active="new")
LOOK_ALIKES = [
    {"$maestro.enc": "old", "data": "AAAA"},
    {"$maestro.ref": {"sha256": "0" * 64, "bytes": 1}},
    {"$maestro.esc": 1},
    {"$maestro.later": []},
    [{"$maestro.enc": "old", "data": "AAAA"}],
    '{"$maestro.enc":',
]


@step
async def echo(value: Any) -> Any:
    return value


@step
async def grow() -> str:
    return TOO_BIG


@workflow
async def collects(value: Any) -> list[Any]:
    async def take(given: str) -> int:
        return len(given)

    on_update("take", take, type=str)
    publish("value", value)
    return [await echo(value), await receive("a"), await receive("a")]


@workflow
async def swells() -> str:
    try:
        return await grow()
    except PayloadError as error:
        return str(error)


async def test_without_a_store_what_is_too_large_is_refused_where_it_is_given(place):
    """The caller is told what to set; there is no run, no signal, no update and no schedule of which half is there."""
    async with place.engine(workflows=[collects], max_payload_bytes=MOST) as engine:
        with pytest.raises(PayloadError, match=r"payload_store.*max_payload_bytes"):
            await engine.start(collects, TOO_BIG, id="r")
        with pytest.raises(WorkflowNotFoundError):
            await engine.handle("r").status()
        with pytest.raises(PayloadError, match="too large"):
            await engine.schedule("s", collects, TOO_BIG, spec=IntervalSpec(timedelta(hours=1)))
        assert await engine.schedules() == []
        handle = await engine.start(collects, BIG, id="r")
        with pytest.raises(PayloadError, match="payload_store"):
            await handle.signal("a", TOO_BIG)
        with pytest.raises(PayloadError, match="payload_store"):
            await handle.update("take", TOO_BIG)
        for value in ("x", "y"):
            await handle.signal("a", value)
        assert await handle.result(SOON) == [BIG, "x", "y"]


async def test_without_a_store_a_step_whose_result_is_too_large_fails(place):
    """With an error that the workflow can handle."""
    async with place.engine(workflows=[swells], max_payload_bytes=MOST) as engine:
        assert "payload_store" in await (await engine.start(swells)).result(SOON)


async def test_a_lost_or_altered_object_is_named(place, tmp_path: Path):
    """Who reads the run gets its digest; once it is back, everything is."""
    options = {"payload_store": f"file://{tmp_path}/store", "payload_limit_bytes": LIMIT}
    async with place.engine(workflows=[collects], **options) as engine:
        handle = await engine.start(collects, BIG, id="r")
        for value in ("x", "y"):
            await handle.signal("a", value)
        assert await handle.result(SOON) == [BIG, "x", "y"]
    found = [path for path in (tmp_path / "store" / "sha256").rglob("*") if path.is_file()]
    kept = {path: path.read_bytes() for path in found}
    async with place.engine(workflows=[collects], **options) as engine:
        for path in found:
            path.write_bytes(kept[path].replace(b"0", b"1"))
        with pytest.raises(PayloadIntegrityError) as altered:
            await engine.handle("r").history()
        assert any(path.name in str(altered.value) for path in found)
        for path in found:
            path.unlink()
        with pytest.raises(PayloadMissingError) as missing:
            await engine.handle("r").history()
        assert missing.value.sha256 in {path.name for path in found}
        for path in found:
            path.write_bytes(kept[path])
        assert (await engine.handle("r").history())[0].data["input"] == BIG


@pytest.mark.capability("encryption")
async def test_keys_may_change_and_a_missing_one_is_named(place):
    """Plain payloads and those of the key before are read; without the key the error has its name, and nothing is lost."""
    both = AesGcmCodec({"old": b"o" * 32, "new": b"n" * 32}, active="new")
    async with place.engine(workflows=[collects]) as engine:
        plain = await engine.start(collects, "plain", id="plain")
        await plain.signal("a", 1)

        async def has_heard() -> bool:
            waits = [wait.kind for wait in (await plain.status()).waiting_for]
            return waits == ["signal"] and any(e.type == "signal_received" for e in await plain.history())

        await place.until(has_heard)
    async with place.engine(workflows=[collects], codec=OLD) as engine:
        done = await engine.start(collects, "old", id="done")
        for value in (1, 2):
            await done.signal("a", value)
        assert await done.result(SOON) == ["old", 1, 2]
        await engine.handle("plain").signal("a", 2)
        assert await engine.handle("plain").result(SOON) == ["plain", 1, 2]
    async with place.engine(workflows=[collects], codec=NEW) as engine:
        for read in (engine.handle("done").result, engine.handle("done").history):
            with pytest.raises(PayloadKeyError, match="'old'") as caught:
                await read()
            assert caught.value.key_id == "old"
    async with place.engine(workflows=[collects], codec=both) as engine:
        assert await engine.handle("done").result(SOON) == ["old", 1, 2]


@pytest.mark.parametrize("codec", [None, OLD], ids=["plain", "encrypted"])
@pytest.mark.capability("encryption")
async def test_user_data_that_looks_like_a_tag_stays_what_it_is(place, codec: AesGcmCodec | None):
    """A value that has the form of the engine's own tags comes back unchanged, live and after a restart."""
    async with place.engine(workflows=[collects], codec=codec) as engine:
        for number, value in enumerate(LOOK_ALIKES):
            await engine.start(collects, value, id=f"r{number}")
            await place.begun(engine, f"r{number}")
            assert await engine.handle(f"r{number}").query("value") == value
    async with place.engine(workflows=[collects], codec=OLD) as engine:
        for number, value in enumerate(LOOK_ALIKES):
            handle = engine.handle(f"r{number}")
            for _ in range(2):
                await handle.signal("a", value)
            assert await handle.result(SOON) == [value] * 3
            history = await handle.history()
            assert [event.data["payload"] for event in history if event.type == "signal_received"] == [value] * 2
