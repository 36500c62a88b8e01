from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

import maestro_core_config
from maestro_core_config import BaseConfig, ConfigError, ConfigManager

SECRET = "a-secret-that-is-long-enough-for-hs256"


class Pool(BaseModel):
    size: int = 5
    password: SecretStr = SecretStr("")


class ShopServiceConfig(BaseConfig):
    model_endpoint: str = "http://default"
    tags: list[str] = []
    pool: Pool = Pool()
    limits: dict[str, int] = {}


def manager(folder: Path, **environ: str) -> ConfigManager[ShopServiceConfig]:
    return ConfigManager(ShopServiceConfig, config_dir=folder, environ=environ)


def faults(folder: Path, **environ: str) -> dict[str, maestro_core_config.ConfigFault]:
    with pytest.raises(ConfigError) as caught:
        manager(folder, **environ).load()
    return {fault.field or fault.source: fault for fault in caught.value.faults}


def test_public_names_are_pinned():
    """What users import changes only on purpose."""
    assert maestro_core_config.__all__ == [
        "BaseConfig",
        "ConfigError",
        "ConfigFault",
        "ConfigManager",
        "FieldExplanation",
    ]


def test_the_service_is_named_after_its_class():
    """IntelligenceServiceConfig configures intelligence-service; a class may name another."""

    class HTTPGatewayConfig(BaseConfig):
        pass

    class Named(BaseConfig):
        service_name = "elsewhere"

    assert ShopServiceConfig.service_name == "shop-service"
    assert HTTPGatewayConfig.service_name == "http-gateway"
    assert Named.service_name == "elsewhere"


LAYERS = ("service variable", "shared variable", "service file", "shared file")


@given(present=st.sets(st.sampled_from(LAYERS)))
def test_the_highest_layer_that_has_a_value_wins(tmp_path_factory: pytest.TempPathFactory, present: set[str]):
    """Service variable over shared variable over service file over shared file over default, in every combination."""
    folder = tmp_path_factory.mktemp("config")
    environ: dict[str, str] = {}
    if "service variable" in present:
        environ["SHOP_SERVICE_MODEL_ENDPOINT"] = "service variable"
    if "shared variable" in present:
        environ["MAESTRO_MODEL_ENDPOINT"] = "shared variable"
    if "service file" in present:
        (folder / "shop-service.yaml").write_text("model_endpoint: service file\n")
    if "shared file" in present:
        (folder / "shared.toml").write_text('model_endpoint = "shared file"\n')
    expected = next((layer for layer in LAYERS if layer in present), "http://default")
    found = manager(folder, **environ)
    assert found.load().model_endpoint == expected
    explained = {entry.name: entry for entry in found.explain()}["model_endpoint"]
    assert [explained.value, *(value for _, value in explained.overridden)] == [
        *(layer for layer in LAYERS if layer in present),
        "http://default",
    ]


def test_nested_settings_are_merged_key_by_key(tmp_path: Path):
    """A variable for one nested key leaves the file's other keys standing."""
    (tmp_path / "shop-service.json").write_text('{"pool": {"size": 9, "password": "from-file"}}')
    config = manager(tmp_path, SHOP_SERVICE_POOL__SIZE="11").load()
    assert config.pool.size == 11
    assert config.pool.password.get_secret_value() == "from-file"


@pytest.mark.parametrize(("text", "expected"), [("a, b", ["a", "b"]), ('["a", "b"]', ["a", "b"]), ("", [])])
def test_lists_come_as_json_or_separated_by_commas(tmp_path: Path, text: str, expected: list[str]):
    """Both ways of writing a list in a variable work."""
    assert manager(tmp_path, MAESTRO_TAGS=text).load().tags == expected


def test_mappings_come_as_json_or_key_by_key(tmp_path: Path):
    """A mapping may be one JSON variable or several nested ones."""
    assert manager(tmp_path, MAESTRO_LIMITS='{"a": 1}').load().limits == {"a": 1}
    assert manager(tmp_path, MAESTRO_LIMITS__A="1", MAESTRO_LIMITS__B="2").load().limits == {"a": 1, "b": 2}


def test_yaml_is_read_as_1_2(tmp_path: Path):
    """The word `on` is a string in YAML 1.2, and so is `no`."""
    (tmp_path / "shop-service.yaml").write_text("model_endpoint: on\ntags: [no, yes]\n")
    config = manager(tmp_path).load()
    assert config.model_endpoint == "on"
    assert config.tags == ["no", "yes"]


def test_every_fault_is_reported_at_once_with_its_source(tmp_path: Path):
    """One start tells everything that is wrong, and where."""
    (tmp_path / "shop-service.yaml").write_text("model_endpont: x\npool:\n  size: many\n")
    found = faults(tmp_path, SHOP_SERVICE_PORT="99999", MAESTRO_JWT_SECRET="short", SHOP_SERVICE_LIMITS="{")
    assert found["model_endpont"].source.endswith("shop-service.yaml:1")
    assert "model_endpoint" in found["model_endpont"].hint
    assert found["pool.size"].source.endswith("shop-service.yaml:3")
    assert found["port"].source == "SHOP_SERVICE_PORT"
    assert found["jwt_secret"].source == "MAESTRO_JWT_SECRET"
    assert found["limits"].source == "SHOP_SERVICE_LIMITS"


def test_a_missing_setting_says_how_to_set_it(tmp_path: Path):
    """A required setting without a value names its variable and its file."""

    class NeedyConfig(BaseConfig):
        model_endpoint: str

    with pytest.raises(ConfigError, match=r"NEEDY_MODEL_ENDPOINT.*needy\.yaml"):
        ConfigManager(NeedyConfig, config_dir=tmp_path, environ={}).load()


@pytest.mark.parametrize(
    ("name", "content", "source", "message"),
    [
        ("shop-service.yaml", b"a: [1\nb: 2\n", "shop-service.yaml:2", "no YAML"),
        ("shop-service.yaml", b"- a\n- b\n", "shop-service.yaml:1", "settings by name"),
        ("shop-service.yaml", b"tags:\n  - \xff\n", "shop-service.yaml:2", "UTF-8"),
        ("shop-service.json", b'{\n"a": }', "shop-service.json:2", "no JSON"),
        ("shop-service.toml", b"a = = 1\n", "shop-service.toml", "no TOML"),
        ("shared.yaml", b"\tx: 1\n", "shared.yaml:1", "no YAML"),
    ],
)
def test_a_corrupt_file_is_named_with_its_line(tmp_path: Path, name: str, content: bytes, source: str, message: str):
    """A file that cannot be used stops the start and is named."""
    (tmp_path / name).write_bytes(content)
    (fault,) = faults(tmp_path).values()
    assert fault.source.endswith(source)
    assert message in fault.message


def test_two_files_for_one_service_are_refused(tmp_path: Path):
    """Which of two files counts must not be a guess."""
    (tmp_path / "shop-service.yaml").write_text("port: 1\n")
    (tmp_path / "shop-service.toml").write_text("port = 2\n")
    (fault,) = faults(tmp_path).values()
    assert "several files" in fault.message


def test_shared_files_may_hold_settings_of_other_services(tmp_path: Path):
    """A key that this service does not know is no fault in shared.*."""
    (tmp_path / "shared.yaml").write_text("something_else: 1\nport: 8080\n")
    assert manager(tmp_path).load().port == 8080


def test_a_secret_may_come_from_a_file(tmp_path: Path):
    """…_FILE names a file that holds the secret; a missing one is a fault."""
    (tmp_path / "secret").write_text(SECRET + "\n")
    config = manager(tmp_path, MAESTRO_JWT_SECRET_FILE=str(tmp_path / "secret")).load()
    assert config.jwt_secret is not None
    assert config.jwt_secret.get_secret_value() == SECRET
    (fault,) = faults(tmp_path, MAESTRO_JWT_SECRET_FILE=str(tmp_path / "nothing")).values()
    assert "nothing" in fault.message


def test_secrets_are_never_shown(tmp_path: Path):
    """Not in repr, not in explanations, not in errors: not at the top and not nested."""
    (tmp_path / "shop-service.yaml").write_text("pool:\n  password: hunter2-nested\n")
    found = manager(tmp_path, MAESTRO_JWT_SECRET=SECRET)
    shown = repr(found.load()) + repr(found.explain()) + found.load().model_dump_json()
    assert SECRET not in shown
    assert "hunter2-nested" not in shown
    with pytest.raises(ConfigError) as caught:
        manager(tmp_path, MAESTRO_JWT_SECRET="tiny-secret", MAESTRO_PORT="no-port-either").load()
    assert "tiny-secret" not in str(caught.value)
    assert "no-port-either" not in str(caught.value)


def test_configuration_is_frozen(tmp_path: Path):
    """A service cannot change its settings behind its own back."""
    config = manager(tmp_path).load()
    with pytest.raises(ValueError, match="frozen"):
        config.port = 1  # type: ignore[misc]
