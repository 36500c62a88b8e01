"""What the orchestrator of a local environment keeps its runs on."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from maestro_cli._errors import EngineDiffersError, InputError

from ._discovery import ORCHESTRATOR, ServiceSpec, config_points
from ._env_file import env_file
from ._home import Home
from ._state import EnvironmentState, load_state
from ._temporal import TEMPORAL, TemporalServer

ENGINE_VARIABLE: Final = ServiceSpec(ORCHESTRATOR, "").variable_prefix + "ENGINE_URL"
STORE_VARIABLE: Final = ServiceSpec(ORCHESTRATOR, "").variable_prefix + "PAYLOAD_STORE"
_SHARED_ENGINE_VARIABLE: Final = "MAESTRO_ENGINE_URL"


class Engine(StrEnum):
    """Where runs are kept."""

    EMBEDDED = "embedded"
    """Where the orchestrator's own setting `engine_url` says; by default in a journal."""
    TEMPORAL = "temporal"
    """On a Temporal server that runs as a part of the environment."""


def engine_of(state: EnvironmentState) -> Engine:
    """Tell what an environment runs on.

    Args:
        state: What is known about it.
    """
    return Engine.EMBEDDED if state.service(TEMPORAL) is None else Engine.TEMPORAL


def temporal_of(state: EnvironmentState, home: Home) -> TemporalServer | None:
    """Find the Temporal server of an environment.

    Args:
        state: What is known about the environment.
        home: Its folder.

    Returns:
        Where it is; None when there is none.
    """
    service = state.service(TEMPORAL)
    return None if service is None else TemporalServer(Path(TEMPORAL), service.port, 0, home.data / TEMPORAL)


def check_same_engine(home: Home, wanted: Engine | None) -> None:
    """See that an environment that runs already is the one that was asked for.

    Args:
        home: The environment's folder.
        wanted: What was asked for; None for whatever it is.

    Raises:
        EngineDiffersError: It runs on the other one.
    """
    state = load_state(home)
    if wanted is None or state is None:
        return
    running = engine_of(state)
    if running is not wanted:
        raise EngineDiffersError(home.root, running, wanted)


def check_unset(environ: Mapping[str, str]) -> None:
    """See that nobody has said otherwise where runs are kept.

    Args:
        environ: The user's environment.

    Raises:
        InputError: A variable says otherwise.
    """
    for variable in (ENGINE_VARIABLE, _SHARED_ENGINE_VARIABLE):
        if environ.get(variable):
            raise InputError(
                f"{variable} says where runs are kept, and so does --engine temporal, which starts a server for them",
                hint="Leave one of them out.",
            )


def has_payload_store(environ: Mapping[str, str], config_dir: Path | None) -> bool:
    """Tell whether the user has said where the orchestrator keeps large payloads.

    Args:
        environ: The user's environment.
        config_dir: Folder with configuration files; None when there is none.
    """
    point = config_points().get(ORCHESTRATOR)
    if point is None:
        return STORE_VARIABLE in environ
    # Every command would pay for this import, and it is wanted by those with a Temporal server only.
    from maestro_core_config import ConfigError, ConfigManager  # noqa: PLC0415

    try:
        manager = ConfigManager(point.load(), config_dir=config_dir, environ=environ, env_file=env_file(environ))
        config = manager.load()
    except ConfigError:
        return STORE_VARIABLE in environ  # the service itself says what is wrong
    return getattr(config, "payload_store", None) is not None
