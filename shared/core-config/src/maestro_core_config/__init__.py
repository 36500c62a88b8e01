"""Typed, layered configuration for MAESTRO services."""

from maestro_core_config._changes import ChangeCallback, ConfigChange, SettingChange
from maestro_core_config._explanation import FieldExplanation
from maestro_core_config._faults import ConfigError, ConfigFault
from maestro_core_config._inherited import inherited_environment
from maestro_core_config._manager import ConfigManager
from maestro_core_config._marks import Live, SecretStrength, Unit
from maestro_core_config._model import BaseConfig
from maestro_core_config._named_secrets import NamedSecrets
from maestro_core_config._reference import Reference, SettingReference
from maestro_core_config._sources.dotenv import env_file_variables
from maestro_core_config._tethered import tethered
from maestro_core_config._watch import ConfigWatch
from maestro_core_config._workers_dir import workers_dir

__all__ = [
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
