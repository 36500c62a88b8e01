"""The environment variables that a service is started with."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ._discovery import GOVERNANCE, ORCHESTRATOR, REGISTRY, TELEMETRY, ServiceSpec, workflow_modules
from ._engine import ENGINE_VARIABLE, STORE_VARIABLE, has_payload_store, temporal_of
from ._env_file import env_file_names, is_said
from ._gateway import GATEWAY, gateway_variables
from ._home import Home
from ._lock import lock_holder
from ._nats import NATS, messaging_variables
from ._ports import LOOPBACK
from ._postgres import POSTGRES, database_variables
from ._secrets import SECRET_FILE_VARIABLE, SECRET_VARIABLE, jwt_secret_file, read_token
from ._state import EnvironmentState, load_state
from ._telemetry import telemetry_variables
from ._temporal import TemporalServer

HOME_VARIABLE: Final = "MAESTRO_HOME"
IDENTITY_VARIABLE: Final = "MAESTRO_IDENTITY_URL"


def own_environment() -> dict[str, str]:
    """Copy the environment of this process, for the processes that it starts.

    Returns:
        Variable → value; changing it changes nothing else.
    """
    return dict(os.environ)  # noqa: TID251 - a child inherits everything, settings or not; nothing is read from it here


def service_environment(
    base: Mapping[str, str],
    *,
    home: Home,
    spec: ServiceSpec,
    port: int,
    registry_port: int | None,
    workflow_modules: Sequence[str] = (),
    config_dir: Path | None = None,
    temporal: TemporalServer | None = None,
    given: Mapping[str, str] | None = None,
    gateway_port: int | None = None,
) -> dict[str, str]:
    """Work out what a service's process gets.

    What ties the environment together (port, registry, home) is always set; for everything else a variable that the
    user has set wins, and so does one in the `.env` file.

    Args:
        base: The user's own environment.
        home: The environment's folder.
        spec: The service.
        port: Where it listens.
        registry_port: Where the registry listens; None when there is none.
        workflow_modules: Modules that the orchestrator loads workflows from.
        config_dir: Folder with configuration files; None when there is none.
        temporal: The Temporal server of the environment; None when there is none.
        given: What the environment's other servers tell every service: variable → value.
        gateway_port: Where the API gateway listens; None when there is none.

    Returns:
        Variable → value, complete.
    """
    defaults = {
        "MAESTRO_DATA_DIR": str(home.data),
        "MAESTRO_LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
    }
    in_env_file = env_file_names(base)
    if SECRET_VARIABLE not in base and SECRET_VARIABLE not in in_env_file:
        defaults[SECRET_FILE_VARIABLE] = str(jwt_secret_file(home))
    if config_dir is not None:
        defaults["MAESTRO_CONFIG_DIR"] = str(config_dir)
    if spec.name == ORCHESTRATOR and workflow_modules:
        defaults[f"{spec.variable_prefix}WORKFLOW_MODULES"] = json.dumps(list(workflow_modules))
    if spec.name == ORCHESTRATOR and temporal is not None and not has_payload_store(base, config_dir):
        # What is too large for a cluster's messages goes beside its database.
        defaults[STORE_VARIABLE] = temporal.payloads_url
    fixed = {**(given or {}), f"{spec.variable_prefix}PORT": str(port), HOME_VARIABLE: str(home.root)}
    if spec.name == ORCHESTRATOR and temporal is not None:
        fixed[ENGINE_VARIABLE] = temporal.url
    if registry_port is not None:
        fixed["MAESTRO_REGISTRY_URL"] = f"http://{LOOPBACK}:{registry_port}"
    fixed |= gateway_variables(home, spec, gateway_port, LOOPBACK)
    return {**{name: value for name, value in defaults.items() if name not in in_env_file}, **base, **fixed}


def identity_variables(base: Mapping[str, str], url: str) -> dict[str, str]:
    """Say whose tokens services believe: those of the environment's own governance-service unless the user has said.

    Args:
        base: The user's own environment.
        url: Where the environment's own governance-service is.
    """
    return {} if is_said(base, IDENTITY_VARIABLE) else {IDENTITY_VARIABLE: url}


def explained_environment(home: Home, service: str, base: Mapping[str, str], config_dir: Path | None) -> dict[str, str]:
    """Work out what a service's process has, or would get from `maestro up`.

    Args:
        home: The environment's folder.
        service: Name of the service.
        base: The user's own environment.
        config_dir: Folder with configuration files; None when there is none.

    Returns:
        Variable → value. Ports that are picked at the start are there only when the environment runs.
    """
    state = load_state(home) if lock_holder(home) is not None else None
    ports = {} if state is None else {found.name: found.port for found in state.services}
    spec = ServiceSpec(service, "")
    environ = service_environment(
        base,
        home=home,
        spec=spec,
        port=ports.get(service, 0),
        registry_port=ports.get(REGISTRY),
        workflow_modules=workflow_modules(),
        config_dir=config_dir,
        temporal=None if state is None else temporal_of(state, home),
        given=None if state is None else _given(state, home, base),
        gateway_port=ports.get(GATEWAY),
    )
    if service not in ports:
        variable = f"{spec.variable_prefix}PORT"
        del environ[variable]
        environ.update({variable: base[variable]} if variable in base else {})
    if SECRET_FILE_VARIABLE not in base and not jwt_secret_file(home).exists():
        environ.pop(SECRET_FILE_VARIABLE, None)
    return environ


def _given(state: EnvironmentState, home: Home, base: Mapping[str, str]) -> dict[str, str]:
    given: dict[str, str] = {}
    if (nats := state.service(NATS)) is not None and (token := read_token(home, NATS)) is not None:
        given |= messaging_variables(nats.port, token)
    if (governance := state.service(GOVERNANCE)) is not None:
        given |= identity_variables(base, governance.url)
    if (postgres := state.service(POSTGRES)) is not None and (password := read_token(home, POSTGRES)) is not None:
        given |= database_variables(postgres.port, password)
    if (telemetry := state.service(TELEMETRY)) is not None:
        given |= telemetry_variables(home, telemetry.port)
    return given
