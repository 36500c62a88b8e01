"""Typed, layered configuration for MAESTRO services."""

from maestro_core_config._explanation import FieldExplanation
from maestro_core_config._faults import ConfigError, ConfigFault
from maestro_core_config._inherited import inherited_environment
from maestro_core_config._manager import ConfigManager
from maestro_core_config._model import BaseConfig
from maestro_core_config._named_secrets import NamedSecrets
from maestro_core_config._workers_dir import workers_dir

__all__ = [
    "BaseConfig",
    "ConfigError",
    "ConfigFault",
    "ConfigManager",
    "FieldExplanation",
    "NamedSecrets",
    "inherited_environment",
    "workers_dir",
]
