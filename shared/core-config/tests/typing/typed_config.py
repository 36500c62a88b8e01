"""What a type checker sees of the library. `make check` runs mypy over this file; nothing here is executed.

An expected error is a `type: ignore` with its code, which mypy reports when there is nothing to ignore.
"""

from __future__ import annotations

from typing import Any, assert_type

from pydantic import BaseModel, SecretStr

from maestro_core_config import (
    BaseConfig,
    ConfigChange,
    ConfigManager,
    ConfigWatch,
    FieldExplanation,
    Live,
    Reference,
    SettingReference,
)


class Pool(BaseModel):
    size: Live[int] = 5


class TypedConfig(BaseConfig):
    size: Live[int] = 1
    pool: Live[Pool | None] = None
    tags: Live[list[str]] = []
    key: SecretStr | None = None


class OtherConfig(BaseConfig):
    name: str


manager = ConfigManager(TypedConfig)
assert_type(manager, ConfigManager[TypedConfig])

config = manager.load()
assert_type(config, TypedConfig)
assert_type(config.size, int)
assert_type(config.pool, Pool | None)
assert_type(config.tags, list[str])
assert_type(config.port, int)
assert_type(config.log_level, str)  # type: ignore[assert-type]  # one of five
config.sise  # type: ignore[attr-defined]  # noqa: B018
config.size = 2  # type: ignore[misc]

assert_type(manager.explain(), list[FieldExplanation])
assert_type(manager.json_schema(), dict[str, Any])
assert_type(manager.reference(), Reference)
assert_type(manager.reference().settings, tuple[SettingReference, ...])

ConfigManager(Pool)  # type: ignore[type-var]
ConfigManager(TypedConfig, environ={"PORT": 1})  # type: ignore[dict-item]


def on_change(change: ConfigChange[TypedConfig]) -> None:
    assert_type(change.config.size, int)


async def on_change_later(change: ConfigChange[TypedConfig]) -> None:
    assert_type(change.previous, TypedConfig)


def on_other_change(change: ConfigChange[OtherConfig]) -> None:
    assert_type(change.config.name, str)


async def follow() -> None:
    async with manager.watch(config, on_change=on_change) as watch:
        assert_type(watch, ConfigWatch[TypedConfig])
        assert_type(watch.config, TypedConfig)
        watch.subscribe(on_change_later, "size")
        watch.subscribe(on_other_change)  # type: ignore[arg-type]
        async for change in watch.changes():
            assert_type(change, ConfigChange[TypedConfig])
        assert_type(await watch.reload(), ConfigChange[TypedConfig] | None)
    manager.watch(OtherConfig(name="x"))  # type: ignore[arg-type]
