"""What `state.json` says about an environment."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ._atomic import write_atomically
from ._home import Home
from ._readiness import READY_PATH


class EnvironmentPhase(StrEnum):
    """Where the environment as a whole stands."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"


class ServicePhase(StrEnum):
    """Where one service stands."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    BACKING_OFF = "backing-off"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class ServiceState(BaseModel):
    """One service of the environment."""

    model_config = ConfigDict(frozen=True)

    name: str
    phase: ServicePhase = ServicePhase.WAITING
    port: int
    url: str
    log_file: Path
    ready_url: str | None = None
    """What answers with 2xx when it is ready, or a PostgreSQL server; None for `/health/ready` of its address."""
    pid: int | None = None
    """Process id, which is its process group and session too; None while it does not run."""
    process_started: float | None = None
    """When the process started, in seconds since the epoch: tells it from a later one with the same id."""
    started_at: datetime | None = None
    restarts: int = 0
    last_exit: int | None = None
    """What its last process ended with; negative: the signal. None when none has ended yet."""
    retry_in_s: float | None = None
    """How long it waits before it is started again; None unless it backs off."""

    @property
    def asked_url(self) -> str:
        """`ready_url`, or its default."""
        return self.ready_url or self.url + READY_PATH


class StartFailure(BaseModel):
    """Why the environment did not start."""

    model_config = ConfigDict(frozen=True)

    service: str | None
    """The service that did not come up; None when the fault is not a service's."""
    message: str
    reason: str
    hint: str | None = None
    process_exit_code: int | None = None
    log_file: Path | None = None
    log_tail: tuple[str, ...] = ()


class EnvironmentState(BaseModel):
    """Everything that is known about an environment at one moment."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    phase: EnvironmentPhase
    home: Path
    supervisor_pid: int
    supervisor_started: float
    """When the supervisor's process started, in seconds since the epoch."""
    started_at: datetime
    services: tuple[ServiceState, ...] = ()
    failure: StartFailure | None = None

    def service(self, name: str) -> ServiceState | None:
        """Find a service.

        Args:
            name: Its name.

        Returns:
            What is known about it, or None when it is not part of the environment.
        """
        return next((service for service in self.services if service.name == name), None)


def save_state(home: Home, state: EnvironmentState) -> None:
    """Write the state file, whole or not at all.

    Args:
        home: The environment's folder.
        state: What it is to say.

    Raises:
        HomeError: It could not be written.
    """
    write_atomically(home.state_file, state.model_dump_json(indent=2).encode() + b"\n")


def load_state(home: Home) -> EnvironmentState | None:
    """Read the state file.

    Args:
        home: The environment's folder.

    Returns:
        What it says; None when there is none or it is not one of ours. It may be out of date: whether a supervisor
        lives is told by the lock.
    """
    try:
        return EnvironmentState.model_validate_json(home.state_file.read_bytes())
    except (OSError, ValidationError):
        return None
