"""What the type checker sees; `make check` runs it over this file, so that the annotations here are the test."""

from pathlib import Path

from maestro_core_config import BaseConfig, ConfigManager


class TypedConfig(BaseConfig):
    size: int = 1


def test_load_returns_the_class_it_was_given(tmp_path: Path) -> None:
    """`load` is typed as the class, not as its base."""
    config: TypedConfig = ConfigManager(TypedConfig, config_dir=tmp_path, environ={}).load()
    size: int = config.size
    assert size == 1
    assert type(config) is TypedConfig
