"""How patient a supervisor is."""

from dataclasses import dataclass, field
from datetime import timedelta

from ._database import DatabaseKind
from ._engine import Engine
from ._restart import RestartPolicy


@dataclass(frozen=True, slots=True)
class SupervisorOptions:
    """Time limits of one environment, and what it stands on."""

    ready_timeout: timedelta = timedelta(seconds=60)
    """How long a service may take until it is ready. Default: 60 s."""
    grace: timedelta = timedelta(seconds=10)
    """How long a service may take to end after being asked, before it is killed. Default: 10 s."""
    engine: Engine | None = None
    """What runs are kept on. Default: what the orchestrator's own setting says."""
    gateway: bool = False
    """Whether the API gateway runs along. Default: it does not."""
    database: DatabaseKind | None = None
    """What databases are kept on. Default: what each service's own setting says."""
    restart: RestartPolicy = field(default_factory=RestartPolicy)
    """When a crashed service is started again."""
