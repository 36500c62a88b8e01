"""Following the sources of a running service's configuration."""

from __future__ import annotations

import asyncio
import inspect
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from maestro_core_config._changes import ChangeCallback, ConfigChange, SettingChange, adopt, difference, taken_up
from maestro_core_config._contents import digest_of, disappeared
from maestro_core_config._faults import ConfigError, ConfigFault
from maestro_core_config._file_events import FileEvents
from maestro_core_config._loading import validated
from maestro_core_config._model import BaseConfig
from maestro_core_config._reading import Reading

M = TypeVar("M", bound=BaseConfig)
_log = logging.getLogger("maestro_core_config")
_SETTLE_S, _MOST_READS = 0.05, 20


class ConfigWatch(Generic[M]):
    """Follows a service's configuration: `async with manager.watch() as watch`.

    When a source changes, everything is read and validated anew. Only if all of it is valid, settings that are `Live` take their
    new values, callbacks are called, and the log says what has changed. Otherwise the old values stay, and the log says what is
    wrong. Settings that are not `Live` keep their values until the next start; `pending` tells which of them wait for it.
    """

    def __init__(
        self,
        model: type[M],
        service_name: str,
        read: Callable[[], Reading],
        *,
        current: M | None,
        on_change: ChangeCallback[M] | None,
        poll: timedelta,
    ) -> None:
        self._model = model
        self._service = service_name
        self._read = read
        self._config = current
        self._callbacks: list[tuple[ChangeCallback[M], tuple[str, ...]]] = []
        self._poll_s = poll.total_seconds()
        self._error: ConfigError | None = None
        self._pending: tuple[SettingChange, ...] = ()
        self._running: dict[str, Any] = {}
        self._paths: tuple[Path, ...] = ()
        self._found: frozenset[str] = frozenset()
        self._digest = b""
        self._hint = asyncio.Event()
        self._taken = asyncio.Condition()
        self._reading = asyncio.Lock()
        self._checking: asyncio.Task[Any] | None = None
        self._events: FileEvents | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        if on_change is not None:
            self.subscribe(on_change)

    @property
    def config(self) -> M:
        """The configuration that the service runs with.

        Raises:
            RuntimeError: The watch has not been opened.
        """
        if self._config is None or self._events is None:
            raise RuntimeError("the watch is not open: use `async with manager.watch() as watch`")
        return self._config

    @property
    def error(self) -> ConfigError | None:
        """Why what the sources say now has not been taken up; None when it has."""
        return self._error

    @property
    def pending(self) -> tuple[SettingChange, ...]:
        """Changes of settings that are not `Live`: they come with the next start."""
        return self._pending

    def subscribe(self, callback: ChangeCallback[M], *names: str) -> Callable[[], None]:
        """Have something called after each change.

        Args:
            callback: What; a function or a coroutine function. When it fails, that is logged, and the others are called all the same.
            *names: The settings that it is about. Default: all.

        Returns:
            What ends the subscription.
        """
        entry = (callback, names)
        self._callbacks.append(entry)

        def unsubscribe() -> None:
            if entry in self._callbacks:
                self._callbacks.remove(entry)

        return unsubscribe

    async def changes(self) -> AsyncIterator[ConfigChange[M]]:
        """Yield the changes from now on, until the watch is closed.

        Who takes long over a change gets those that came meanwhile as one.
        """
        seen = self.config
        while True:
            before = seen
            async with self._taken:
                await self._taken.wait_for(lambda: self._config is not before or self._is_closed)  # noqa: B023 - awaited here
            if self._is_closed:
                return
            seen = self.config
            found = difference(before, seen, self._last)
            if found:
                yield ConfigChange(seen, before, found)

    async def reload(self) -> ConfigChange[M] | None:
        """Read the sources now, without waiting for a change to be noticed.

        Returns:
            What has changed; None when nothing has.

        Raises:
            ConfigError: The sources cannot be used; the old values stay.
        """
        _ = self.config
        if self._checking is asyncio.current_task():
            raise RuntimeError("a callback is called while a change is taken up, and cannot ask for another reload")
        change = await self._check(is_asked=True)
        if self._error is not None:
            raise ConfigError(self._service, self._error.faults)
        return change

    async def __aenter__(self) -> ConfigWatch[M]:
        reading, digest = await asyncio.to_thread(self._observe)
        config, faults = validated(self._model, self._service, reading)
        if config is None and self._config is None:
            raise ConfigError(self._service, faults)
        self._last, self._running = reading, reading.values
        self._paths, self._found, self._digest = reading.watched, reading.found, digest
        loop = asyncio.get_running_loop()
        self._events = FileEvents(lambda: self._paths, lambda: _threadsafe(loop, self._hint.set), poll_s=self._poll_s)
        if config is None:
            self._refuse(faults)
        elif self._config is None:
            self._config = config
        else:  # what has changed since the service has loaded it
            await self._take(reading, config)
        self._events.start()
        self._task = asyncio.create_task(self._follow(), name="maestro-config-watch")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._events is not None:
            await asyncio.to_thread(self._events.stop)
        async with self._taken:
            self._taken.notify_all()

    async def _follow(self) -> None:
        while True:
            await self._hint.wait()
            self._hint.clear()
            try:
                await self._check(is_asked=False)
            except Exception as error:  # noqa: BLE001 - such as a validator's own fault; the next change may come without it
                _log.error(
                    "the configuration of %s could not be read anew, the old values stay: %s\n%s",
                    self._service,
                    type(error).__name__,  # its text may repeat a value
                    "".join(traceback.format_tb(error.__traceback__)),
                )

    async def _check(self, *, is_asked: bool) -> ConfigChange[M] | None:
        async with self._reading:
            self._checking = asyncio.current_task()
            reading, digest = await self._settled()
            if digest == self._digest and not is_asked:
                return None
            self._digest, self._paths = digest, reading.watched
            config, faults = validated(self._model, self._service, reading)
            faults += disappeared(self._found, reading.found)
            if config is None or faults:
                self._refuse(faults)
                return None
            self._found = reading.found
            change = await self._take(reading, config)
            self._checking = None
            return change

    async def _settled(self) -> tuple[Reading, bytes]:
        """Read until two readings in a row are the same, so that a file which is being written is not read by half."""
        reading, digest = await asyncio.to_thread(self._observe)
        for _ in range(_MOST_READS):
            if digest == self._digest:
                break
            before = digest
            await asyncio.sleep(_SETTLE_S)
            reading, digest = await asyncio.to_thread(self._observe)
            if digest == before:
                break
        return reading, digest

    def _observe(self) -> tuple[Reading, bytes]:
        reading = self._read()
        return reading, digest_of(reading)

    async def _take(self, reading: Reading, read: M) -> ConfigChange[M] | None:
        current = self.config
        values = taken_up(reading.settings, self._running, reading.values)
        config, faults = validated(self._model, self._service, reading, values)
        if config is None:
            hint = "settings that are not live keep their old values until the next start"
            faults = tuple(
                ConfigFault(fault.field, fault.source, f"does not go with what is running: {fault.message}", hint)
                for fault in faults
            )
            self._refuse(faults)
            return None
        adopted = adopt(current, config)
        self._last, self._error = reading, None
        waiting = self._waiting(adopted, read, reading)
        changes = difference(current, adopted, reading)
        self._running = values
        self._config = adopted if changes else current
        if changes or waiting != self._pending:
            self._log_change(changes, waiting)
        self._pending = waiting
        if not changes:
            return None
        change = ConfigChange(adopted, current, changes)
        for callback, names in tuple(self._callbacks):
            if not names or change.touches(*names):
                await _call(callback, change)
        async with self._taken:
            self._taken.notify_all()
        return change

    def _waiting(self, adopted: M, read: M, reading: Reading) -> tuple[SettingChange, ...]:
        """Return what only the next start brings. What a factory makes anew at each reading is none of it."""
        running, said = self._running, reading.values
        changed = {name for name in reading.settings.shapes if running.get(name) != said.get(name)}
        return tuple(c for c in difference(adopted, read, reading) if c.name.partition(".")[0] in changed)

    def _refuse(self, faults: tuple[ConfigFault, ...]) -> None:
        self._error = ConfigError(self._service, faults)
        _log.error(
            "a change of the configuration was refused, the old values stay: %s",
            self._error,
            extra={"config_service": self._service, "config_faults": [str(fault) for fault in faults]},
        )

    def _log_change(self, changes: tuple[SettingChange, ...], waiting: tuple[SettingChange, ...]) -> None:
        said = [str(change) for change in changes]
        said += [f"{change}, with the next start" for change in waiting]
        _log.info(
            "the configuration of %s has changed: %s",
            self._service,
            "; ".join(said) or "nothing waits for the next start any more",
            extra={
                "config_service": self._service,
                "config_changes": [change.name for change in changes],
                "config_pending": [change.name for change in waiting],
            },
        )


async def _call(callback: ChangeCallback[Any], change: ConfigChange[Any]) -> None:
    try:
        answer = callback(change)
        if inspect.isawaitable(answer):
            await answer
    except Exception:  # noqa: BLE001 - a subscriber's fault is not the configuration's
        _log.exception("%s failed with a change of the configuration", getattr(callback, "__qualname__", callback))


def _threadsafe(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(what)
    except RuntimeError:  # the loop has been closed without closing the watch
        return
