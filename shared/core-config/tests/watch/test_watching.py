"""Every way in which files change, on a real file system."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr, model_validator

from maestro_core_config import BaseConfig, ConfigChange, ConfigError, ConfigManager, ConfigWatch, Live

GOOD = "4fK2vQ9xTzW8mB3nR7yL-4fK2vQ9xTzW8"
WITHIN_S = 30.0
NEVER = timedelta(hours=1)
"""How often files are looked at without an event, in tests that are about events."""


class Pool(BaseModel):
    size: Live[int] = 1
    host: str = "a"


class FeedConfig(BaseConfig):
    page_size: Live[int] = 50
    tags: Live[list[str]] = []
    pool: Pool = Pool()
    limits: Live[dict[str, int]] = {}
    api_key: Live[SecretStr | None] = None
    low: Live[int] = 0
    high: int = 100
    instance: str = Field(default_factory=lambda: uuid.uuid4().hex)

    @model_validator(mode="after")
    def _in_order(self) -> FeedConfig:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self


def manager(folder: Path, **environ: str) -> ConfigManager[FeedConfig]:
    return ConfigManager(FeedConfig, config_dir=folder, environ=environ, env_file=folder / ".env")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "config"
    place.mkdir()
    (place / ".env").write_text("")
    (place / "feed.yaml").write_text("page_size: 1\n")
    return place


@pytest.fixture
async def watch(folder: Path) -> AsyncIterator[ConfigWatch[FeedConfig]]:
    async with manager(folder).watch(poll=NEVER) as opened:
        yield opened


async def until(fact: Callable[[], object]) -> None:
    """Wait for something that is bound to happen."""
    async with asyncio.timeout(WITHIN_S):
        while not fact():
            await asyncio.sleep(0.01)


def replace(file: Path, text: str) -> None:
    """Write as careful programs do: beside it, then over it."""
    beside = file.with_name(f".{file.name}.tmp")
    beside.write_text(text)
    beside.replace(file)


def as_vim_does(file: Path, text: str) -> None:
    backup = file.with_name(f"{file.name}~")
    file.rename(backup)
    file.write_text(text)
    backup.unlink()


def in_place(file: Path, text: str) -> None:
    file.write_text(text)


def with_a_shell(file: Path, text: str) -> None:
    subprocess.run(["sh", "-c", 'printf %s "$1" > "$2"', "sh", text, str(file)], check=True)


def deleted_and_written(file: Path, text: str) -> None:
    file.unlink()
    file.write_text(text)


def to_another_format(file: Path, text: str) -> None:
    file.with_suffix(".json").write_text(json.dumps({"page_size": int(text.split()[1])}))
    file.unlink()


WAYS = [in_place, replace, as_vim_does, with_a_shell, deleted_and_written, to_another_format]


@pytest.mark.parametrize("write", WAYS, ids=lambda way: way.__name__)
async def test_a_change_is_taken_up_however_it_is_written(
    folder: Path, watch: ConfigWatch[FeedConfig], write: Callable[[Path, str], None]
) -> None:
    """Editors, scripts and deployments replace files in different ways."""
    assert watch.config.page_size == 1
    write(folder / "feed.yaml", "page_size: 2\n")
    await until(lambda: watch.config.page_size == 2)
    assert watch.error is None or "disappeared" in str(watch.error)


def mounted(folder: Path, version: str, content: str) -> None:
    """Write a volume as Kubernetes does: files are links into `..data`, which is a link to a folder of the version's own."""
    place = folder / f"..{version}"
    place.mkdir()
    (place / "feed.yaml").write_text(content)
    (folder / "..data_tmp").symlink_to(place.name)
    (folder / "..data_tmp").replace(folder / "..data")
    if not (folder / "feed.yaml").is_symlink():
        (folder / "feed.yaml").symlink_to("..data/feed.yaml")


async def test_a_kubernetes_volume(tmp_path: Path) -> None:
    """A swapped link is a change, time after time, and the folders of old versions may go."""
    folder = tmp_path / "config"
    folder.mkdir()
    mounted(folder, "v1", "page_size: 1\n")
    async with ConfigManager(FeedConfig, config_dir=folder, environ={}).watch(poll=NEVER) as watch:
        for version in (2, 3, 4):
            mounted(folder, f"v{version}", f"page_size: {version}\n")
            old = folder / f"..v{version - 1}"
            (old / "feed.yaml").unlink()
            old.rmdir()
            await until(lambda: watch.config.page_size == version)  # noqa: B023 - awaited here


async def test_a_release_that_is_a_link(tmp_path: Path) -> None:
    """The whole folder may be a link that deployments turn, and so may one above it."""
    for release, size in (("r1", 1), ("r2", 2), ("r3", 3)):
        (tmp_path / release / "config").mkdir(parents=True)
        (tmp_path / release / "config" / "feed.toml").write_text(f"page_size = {size}\n")
    current = tmp_path / "current"
    current.symlink_to("r1")
    async with ConfigManager(FeedConfig, config_dir=current / "config", environ={}).watch(poll=NEVER) as watch:
        for release, size in (("r2", 2), ("r3", 3)):
            (tmp_path / "next").symlink_to(release)
            (tmp_path / "next").replace(current)
            await until(lambda: watch.config.page_size == size)  # noqa: B023 - awaited here
        (tmp_path / "r3" / "config" / "feed.toml").write_text("page_size = 4\n")
        await until(lambda: watch.config.page_size == 4)


async def test_every_source_that_is_a_file_is_watched(folder: Path, tmp_path: Path) -> None:
    """The `.env` file, files of secrets, the folder of secrets, shared files and those of the profile; old and new ones."""
    secret, secrets = tmp_path / "elsewhere" / "key", tmp_path / "secrets"
    secret.parent.mkdir()
    secrets.mkdir()
    secret.write_text("first")
    environ = {"FEED_API_KEY_FILE": str(secret), "MAESTRO_SECRETS_DIR": str(secrets)}
    async with manager(folder, **environ).watch(poll=NEVER) as watch:
        replace(secret, "second")
        await until(lambda: watch.config.api_key == SecretStr("second"))
        (folder / "shared.json").write_text('{"limits": {"a": 1}}')
        await until(lambda: watch.config.limits == {"a": 1})
        (folder / "feed.development.toml").write_text("[limits]\nb = 2\n")
        await until(lambda: watch.config.limits == {"a": 1, "b": 2})
        (folder / ".env").write_text("FEED_TAGS=a,b\n")
        await until(lambda: watch.config.tags == ["a", "b"])
        (secrets / "feed_jwt_secret").write_text(GOOD)
        await until(lambda: watch.pending)
        assert [change.name for change in watch.pending] == ["jwt_secret"]


async def test_a_folder_that_comes_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service may start before its configuration is there."""
    monkeypatch.chdir(tmp_path)
    async with ConfigManager(FeedConfig, environ={}).watch(poll=NEVER) as watch:
        assert watch.config.page_size == 50
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "feed.yaml").write_text("page_size: 2\n")
        await until(lambda: watch.config.page_size == 2)
        (tmp_path / "config" / "feed.yaml").write_text("page_size: 3\n")
        await until(lambda: watch.config.page_size == 3)


async def test_without_events_files_are_looked_at_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Network file systems tell nothing, and watches may run out; it is said once, and changes are found by looking."""
    import watchfiles._rust_notify

    def refuse(*_arguments: object) -> None:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr(watchfiles._rust_notify, "RustNotify", refuse)
    async with manager(folder).watch(poll=timedelta(milliseconds=20)) as watch:
        for size in (2, 3):
            replace(folder / "feed.yaml", f"page_size: {size}\n")
            await until(lambda: watch.config.page_size == size)  # noqa: B023 - awaited here
    assert [record.message for record in caplog.records if "limit reached" in record.message] == [
        "changes of configuration files are looked for every 0.02 s: OS file watch limit reached"
    ]


async def test_a_burst_ends_in_what_was_written_last(folder: Path, watch: ConfigWatch[FeedConfig]) -> None:
    """Many writes in a row are as many events, and what counts is the end."""
    seen: list[int] = []
    watch.subscribe(lambda change: seen.append(change.config.page_size))
    for size in range(2, 200):
        replace(folder / "feed.yaml", f"page_size: {size}\n")
        await asyncio.sleep(0)
    await until(lambda: watch.config.page_size == 199)
    assert seen == sorted(seen)
    assert len(seen) < 100


async def test_a_file_that_is_being_written_is_not_read_by_half(folder: Path, watch: ConfigWatch[FeedConfig]) -> None:
    """Half a file may be valid, and mean something else."""
    seen: list[FeedConfig] = []
    watch.subscribe(lambda change: seen.append(change.config))
    with (folder / "feed.yaml").open("w") as file:
        for line in ("page_size: 7\n", "tags: [a]\n", "limits: {a: 1}\n"):
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
            await asyncio.sleep(0.01)
    await until(lambda: watch.config.limits == {"a": 1})
    assert [(config.page_size, config.tags) for config in seen] == [(7, ["a"])]


async def test_a_faulty_change_is_refused_and_the_old_values_stay(
    folder: Path, watch: ConfigWatch[FeedConfig], caplog: pytest.LogCaptureFixture
) -> None:
    """All of it or nothing: the log says what is wrong, and a mended file is taken up."""
    seen: list[object] = []
    watch.subscribe(seen.append)
    before = watch.config
    replace(folder / "feed.yaml", f"page_size: many\ntags: [a]\napi_key: [{GOOD}]\n")
    await until(lambda: watch.error)
    assert watch.config is before
    assert watch.error is not None
    assert {fault.field for fault in watch.error.faults} == {"page_size", "api_key"}
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "the old values stay" in record.message
    assert f"{folder}/feed.yaml:1" in record.message
    assert GOOD not in caplog.text
    replace(folder / "feed.yaml", "page_size: 3\ntags: [a]\n")
    await until(lambda: watch.config.page_size == 3)
    assert watch.error is None
    assert len(seen) == 1


async def test_a_file_that_disappears_changes_nothing(folder: Path, watch: ConfigWatch[FeedConfig]) -> None:
    """Falling back to defaults because somebody slipped would be worse than old values; an empty file says it is meant."""
    (folder / "feed.yaml").unlink()
    await until(lambda: watch.error)
    assert watch.config.page_size == 1
    assert "feed.yaml: has disappeared" in str(watch.error)
    (folder / "feed.yaml").write_text("")
    await until(lambda: watch.config.page_size == 50)
    assert watch.error is None


async def test_production_stays_strict(folder: Path) -> None:
    """A weak secret is refused at run time as at the start."""
    async with manager(folder, FEED_ENVIRONMENT="production", FEED_PAGE_SIZE="5").watch(poll=NEVER) as watch:
        (folder / ".env").write_text("FEED_API_KEY=changeme\n")
        await until(lambda: watch.error)
        assert watch.config.api_key is None
        (folder / ".env").write_text(f"FEED_API_KEY={GOOD}\n")
        await until(lambda: watch.config.api_key)


async def test_the_log_tells_what_has_changed_and_no_secret(
    folder: Path, watch: ConfigWatch[FeedConfig], caplog: pytest.LogCaptureFixture
) -> None:
    """One line for people, and names for programs."""
    caplog.set_level(logging.INFO, "maestro_core_config")
    replace(folder / "feed.yaml", f"page_size: 2\nport: 81\napi_key: {GOOD}\npool: {{size: 5}}\n")
    await until(lambda: watch.config.page_size == 2)
    record: Any = next(record for record in caplog.records if record.levelno == logging.INFO)
    file = folder / "feed.yaml"
    assert record.message == (
        f"the configuration of feed has changed: page_size 1 → 2 (from {file}:1); pool.size 1 → 5 (from {file}:4); "
        f"api_key None → '**********' (from {file}:3); port 0 → 81 (from {file}:2), with the next start"
    )
    assert (record.config_service, record.config_changes, record.config_pending) == (
        "feed",
        ["page_size", "pool.size", "api_key"],
        ["port"],
    )
    replace(file, f"page_size: 2\nport: 81\napi_key: {GOOD[::-1]}\npool: {{size: 5}}\n")
    await until(lambda: watch.config.api_key == SecretStr(GOOD[::-1]))
    assert "api_key changed (from" in caplog.records[-1].message
    assert GOOD not in caplog.text
    assert GOOD[::-1] not in caplog.text


async def test_what_is_not_live_waits_for_the_next_start(folder: Path, watch: ConfigWatch[FeedConfig]) -> None:
    """It is said to wait, part by part; its old value stays, and what a factory made stays as well."""
    before = watch.config
    replace(folder / "feed.yaml", "page_size: 2\nhost: elsewhere\npool: {size: 3, host: b}\n")
    await until(lambda: watch.config.page_size == 2)
    assert (watch.config.host, watch.config.pool.size, watch.config.pool.host) == ("127.0.0.1", 3, "a")
    assert watch.config.instance == before.instance
    assert watch.config.data_dir is before.data_dir
    waiting = {change.name: (change.before, change.after) for change in watch.pending}
    assert waiting == {"host": ("127.0.0.1", "elsewhere"), "pool.host": ("a", "b")}
    replace(folder / "feed.yaml", "page_size: 2\n")
    await until(lambda: not watch.pending)
    assert watch.config.pool.size == 1


async def test_live_values_that_do_not_go_with_what_is_running_are_refused(
    folder: Path, watch: ConfigWatch[FeedConfig]
) -> None:
    """New values may be valid together, and not beside the old ones of settings that wait."""
    replace(folder / "feed.yaml", "page_size: 2\nlow: 500\nhigh: 1000\n")
    await until(lambda: watch.error)
    assert "does not go with what is running: low must not be above high" in str(watch.error)
    assert (watch.config.page_size, watch.config.low) == (1, 0)


async def test_callbacks_get_what_they_are_about(folder: Path) -> None:
    """A callback may be a coroutine function, may be about some settings only, and may be taken back."""
    seen: list[str] = []

    async def on_any(change: ConfigChange[FeedConfig]) -> None:
        await asyncio.sleep(0)
        seen.append(f"any {change.previous.page_size}>{change.config.page_size}")

    async with manager(folder).watch(on_change=on_any, poll=NEVER) as watch:
        watch.subscribe(lambda _change: seen.append("pool"), "pool")
        watch.subscribe(lambda _change: seen.append("size"), "pool.size", "tags")
        end = watch.subscribe(lambda _change: seen.append("page"), "page_size")
        replace(folder / "feed.yaml", "page_size: 2\n")
        await until(lambda: seen == ["any 1>2", "page"])
        end()
        end()
        replace(folder / "feed.yaml", "page_size: 3\npool: {size: 9}\n")
        await until(lambda: seen[2:] == ["any 2>3", "pool", "size"])


async def test_a_callback_that_fails_harms_nobody(
    folder: Path, watch: ConfigWatch[FeedConfig], caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged by name; the others are called, and the next change comes."""
    seen: list[int] = []

    def careless(_change: ConfigChange[FeedConfig]) -> None:
        raise LookupError("oh")

    watch.subscribe(careless)
    watch.subscribe(lambda change: seen.append(change.config.page_size))
    for size in (2, 3):
        replace(folder / "feed.yaml", f"page_size: {size}\n")
        await until(lambda: size in seen)  # noqa: B023 - awaited here
    assert "careless failed" in caplog.text


async def test_a_callback_cannot_ask_for_a_reload(
    folder: Path, watch: ConfigWatch[FeedConfig], caplog: pytest.LogCaptureFixture
) -> None:
    """It would wait for itself; it is told so instead."""

    async def impatient(_change: ConfigChange[FeedConfig]) -> None:
        await watch.reload()

    watch.subscribe(impatient)
    replace(folder / "feed.yaml", "page_size: 2\n")
    await until(lambda: "cannot ask for another reload" in caplog.text)
    assert await watch.reload() is None


async def test_a_validator_that_breaks_does_not_end_the_watch(
    folder: Path, watch: ConfigWatch[FeedConfig], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in code is logged, the old values stay, and the next change is taken up."""
    with monkeypatch.context() as patched:

        def broken(*_arguments: object, **_options: object) -> None:
            raise ZeroDivisionError

        patched.setattr(FeedConfig, "model_validate", broken)
        replace(folder / "feed.yaml", "page_size: 2\n")
        await until(lambda: "could not be read anew" in caplog.text)
        assert watch.config.page_size == 1
    replace(folder / "feed.yaml", "page_size: 3\n")
    await until(lambda: watch.config.page_size == 3)


async def test_changes_can_be_iterated(folder: Path) -> None:
    """Whoever takes long gets what came meanwhile as one change, and the end of the watch ends the loop."""
    seen: list[tuple[int, int]] = []
    may_go_on, reached = asyncio.Event(), asyncio.Event()

    async def follow(watch: ConfigWatch[FeedConfig]) -> str:
        async for change in watch.changes():
            seen.append((change.previous.page_size, change.config.page_size))
            reached.set()
            await may_go_on.wait()
        return "ended"

    async with manager(folder).watch(poll=NEVER) as watch, asyncio.TaskGroup() as group:
        task = group.create_task(follow(watch))
        await asyncio.sleep(0)  # the loop has begun
        replace(folder / "feed.yaml", "page_size: 2\n")
        await reached.wait()
        for size in (3, 4):
            replace(folder / "feed.yaml", f"page_size: {size}\n")
            await until(lambda: watch.config.page_size == size)  # noqa: B023 - awaited here
        may_go_on.set()
        await until(lambda: len(seen) == 2)
        assert seen == [(1, 2), (2, 4)]
        await watch.__aexit__(None, None, None)
        assert await asyncio.wait_for(task, WITHIN_S) == "ended"


async def test_a_reload_can_be_asked_for(folder: Path, watch: ConfigWatch[FeedConfig]) -> None:
    """It answers with the change, with nothing, or with what is wrong."""
    assert await watch.reload() is None
    replace(folder / "feed.yaml", "page_size: 2\n")
    change = await watch.reload()
    assert watch.config.page_size == 2
    assert change is None or change.touches("page_size"), "the event may have been faster"
    replace(folder / "feed.yaml", "page_size: x\n")
    with pytest.raises(ConfigError, match="page_size"):
        await watch.reload()


async def test_what_changed_since_it_was_loaded_is_not_missed(folder: Path) -> None:
    """Between loading and watching a file may change."""
    loading = manager(folder)
    config = loading.load()
    replace(folder / "feed.yaml", "page_size: 2\nport: 7\n")
    seen: list[ConfigChange[FeedConfig]] = []
    async with loading.watch(config, on_change=seen.append, poll=NEVER) as watch:
        assert (watch.config.page_size, watch.config.instance) == (2, config.instance)
        assert seen[0].previous is config
        assert watch.config.port == 0


async def test_a_watch_that_begins_with_faults(folder: Path) -> None:
    """Without a configuration it does not open; with one it opens, keeps it, and says what is wrong."""
    loading = manager(folder)
    config = loading.load()
    replace(folder / "feed.yaml", "page_size: x\n")
    with pytest.raises(ConfigError, match="page_size"):
        await loading.watch().__aenter__()
    async with loading.watch(config, poll=NEVER) as watch:
        assert watch.config is config
        assert watch.error is not None
        replace(folder / "feed.yaml", "page_size: 2\n")
        await until(lambda: watch.config.page_size == 2)


async def test_a_watch_that_is_not_open_says_so(folder: Path) -> None:
    """Use before opening is told, with what to do."""
    watch = manager(folder).watch()
    with pytest.raises(RuntimeError, match="async with"):
        _ = watch.config
    with pytest.raises(RuntimeError, match="async with"):
        await watch.reload()


async def test_nothing_stays_behind(folder: Path) -> None:
    """Closing ends the thread and the task, also when the body fails."""
    import threading

    async def fail() -> None:
        async with manager(folder).watch(poll=NEVER):
            assert any(thread.name == "maestro-config-watch" for thread in threading.enumerate())
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert not any(thread.name == "maestro-config-watch" for thread in threading.enumerate())
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "maestro-config-watch"]
