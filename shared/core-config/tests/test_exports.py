import pickle

import maestro_core_config
from maestro_core_config import ConfigError, ConfigFault


def test_public_names_are_pinned() -> None:
    """What users import changes only on purpose."""
    assert maestro_core_config.__all__ == [
        "BaseConfig",
        "ChangeCallback",
        "ConfigChange",
        "ConfigError",
        "ConfigFault",
        "ConfigManager",
        "ConfigWatch",
        "FieldExplanation",
        "Live",
        "NamedSecrets",
        "Reference",
        "SecretStrength",
        "SettingChange",
        "SettingReference",
        "Unit",
        "env_file_variables",
        "inherited_environment",
        "tethered",
        "workers_dir",
    ]
    assert all(hasattr(maestro_core_config, name) for name in maestro_core_config.__all__)


def test_an_error_survives_pickling() -> None:
    """A worker process may hand the error to its parent."""
    error = ConfigError("shop-service", [ConfigFault("port", "MAESTRO_PORT", "is odd", "make it even")])
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.code, copy.service, copy.faults) == ("CONFIG_INVALID", "shop-service", error.faults)
    assert str(copy) == str(error)
    assert str(error).splitlines() == [
        "the configuration of shop-service has 1 fault:",
        "  - port: is odd (from MAESTRO_PORT); make it even",
    ]
