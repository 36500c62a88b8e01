"""The local environment: its supervisor, its state, its ports, its secrets."""

from ._changes import Change, changes
from ._database import DatabaseKind, check_same_database, database_of
from ._detach import SUPERVISOR, Detached, Lifetime, failure_error, follow_start, start_detached
from ._discovery import (
    EDGE,
    GOVERNANCE,
    ORCHESTRATOR,
    REGISTRY,
    TELEMETRY,
    ServiceSpec,
    config_points,
    document_files,
    installed_services,
    workflow_modules,
)
from ._engine import Engine, check_same_engine, engine_of
from ._env_file import env_file
from ._environment import explained_environment, own_environment, service_environment
from ._gateway import GATEWAY, has_gateway
from ._home import Home
from ._lock import lock_holder
from ._log_tail import tail
from ._options import SupervisorOptions
from ._process import resident_bytes
from ._readiness import ReadinessProbe
from ._requests import ask_restart
from ._restart import RestartPolicy
from ._run import run_supervisor
from ._secrets import read_jwt_secret
from ._service import describe_exit
from ._state import EnvironmentPhase, EnvironmentState, ServicePhase, ServiceState, StartFailure, load_state
from ._stop import stop_environment
from ._supervisor import Supervisor

__all__ = [
    "EDGE",
    "GATEWAY",
    "GOVERNANCE",
    "ORCHESTRATOR",
    "REGISTRY",
    "SUPERVISOR",
    "TELEMETRY",
    "Change",
    "DatabaseKind",
    "Detached",
    "Engine",
    "EnvironmentPhase",
    "EnvironmentState",
    "Home",
    "Lifetime",
    "ReadinessProbe",
    "RestartPolicy",
    "ServicePhase",
    "ServiceSpec",
    "ServiceState",
    "StartFailure",
    "Supervisor",
    "SupervisorOptions",
    "ask_restart",
    "changes",
    "check_same_database",
    "check_same_engine",
    "config_points",
    "database_of",
    "describe_exit",
    "document_files",
    "engine_of",
    "env_file",
    "explained_environment",
    "failure_error",
    "follow_start",
    "has_gateway",
    "installed_services",
    "load_state",
    "lock_holder",
    "own_environment",
    "read_jwt_secret",
    "resident_bytes",
    "run_supervisor",
    "service_environment",
    "start_detached",
    "stop_environment",
    "tail",
    "workflow_modules",
]
